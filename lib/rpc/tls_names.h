// Who a certificate is for, and whether that is somebody who was named. Pure. Only subject
// alternative names count: a common name proves nothing (RFC 9525, 2). No wildcards.
#pragma once

#include <string>
#include <vector>

namespace jitwg::rpc {

struct CertificateNames {
  std::vector<std::string> dns;
  std::vector<std::string> uris;
  std::vector<std::string> addresses;
};

// `wanted` with "://" is a URI and compared byte by byte, an IP address is compared as such,
// anything else is a DNS name, in which case does not matter.
bool IsNamed(const CertificateNames& names, const std::string& wanted);
bool IsNamedAny(const CertificateNames& names, const std::vector<std::string>& wanted);

// "gw1.example.org, spiffe://example/gw1" for a message, bounded and fit for one line; "nobody"
// when the certificate has no name.
std::string Describe(const CertificateNames& names);

}  // namespace jitwg::rpc
