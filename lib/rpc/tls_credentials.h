// gRPC's credentials for mutual TLS 1.2 or 1.3 with our names checked. Server: the certificate at
// the handshake, the names at each call, so that a caller is told why. Client: both at the
// handshake, before anything is sent.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>
#include <vector>

#include "lib/rpc/tls_identity.h"

namespace jitwg::rpc {

// `identity` must outlive what is made with the credentials.
std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const TlsIdentity& identity,
                                                           std::vector<std::string> client_names);
std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials(
    const TlsIdentity& identity, const std::vector<std::string>& server_names);

}  // namespace jitwg::rpc
