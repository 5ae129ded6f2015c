// What mutual TLS between the parts needs: files and names.
#pragma once

#include <string>
#include <vector>

namespace jitwg::rpc {

struct TlsOptions {
  std::string ca_file;                    // PEM; who vouches for the other side
  std::string certificate_file;           // PEM; own certificate, and what leads from it to the CA
  std::string key_file;                   // PEM; its private key
  std::vector<std::string> client_names;  // server: callers that are let in
  std::vector<std::string> server_names;  // client: one of these the server must be; empty: the
                                          // host of its address
};

enum class TlsSide { kServer, kClient };

// "--tls-ca, --tls-key": what `options` lacks for that side, or empty.
std::string MissingForTls(const TlsOptions& options, TlsSide side);

}  // namespace jitwg::rpc
