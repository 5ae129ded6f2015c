// Reads the files of mutual TLS and refuses what cannot work or is not safe, before gRPC sees it:
// there a bad pair would only make every handshake fail. Opens no connection.
#pragma once

#include <string>

#include "lib/base/result.h"
#include "lib/rpc/tls_options.h"

namespace jitwg::rpc {

// PEM texts that belong together. `identity` is the private key and then the certificate with its
// chain; whoever holds one wipes it (WipeString).
struct TlsMaterial {
  std::string authorities;
  std::string identity;
};

// kPermissionDenied: the key may be read by others (its owner may be this user, mode 0600 at most,
// or root, 0640 at most: so a group can be given a key of root's). kInvalidArgument: no
// certificate, an encrypted or another certificate's key, a certificate that is over. Messages name
// the file.
Result<TlsMaterial> ReadTlsFiles(const TlsOptions& options);

// Changes whenever one of the files does (device, inode, size, time of change).
std::string StampOf(const TlsOptions& options);

}  // namespace jitwg::rpc
