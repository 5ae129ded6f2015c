// A gRPC server on a Unix socket, or on TCP with mutual TLS, with the standard health service and
// server reflection, as every jitwg server is. Never TCP without mutual TLS.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/rpc/address.h"
#include "lib/rpc/tls_identity.h"
#include "lib/rpc/tls_options.h"
#include "lib/rpc/unix_socket.h"

namespace jitwg::rpc {

struct TcpOptions {
  Address address;  // port 0: a free one
  TlsOptions tls;
};

struct ServerOptions {
  std::string socket_path;
  SocketAccess access;
  int max_message_bytes = 4 << 20;
  std::optional<TcpOptions> tcp = std::nullopt;  // in the place of the socket
};

// The options for an address as ParseAddress reads it.
Result<ServerOptions> ServeAt(std::string_view address, const SocketAccess& access,
                              const TlsOptions& tls);

class Server {
 public:
  // Binds and serves `services`, which must outlive the server. Nobody but the owner can connect
  // before mode and group are set. kAlreadyExists: the path is taken. kPermissionDenied: others
  // may write the socket's directory (CheckSocketDirectory), or read the TLS key.
  // On TCP a caller needs a certificate of the CA, and each of its calls ends with
  // PERMISSION_DENIED unless the certificate has one of `client_names`.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                               const std::vector<grpc::Service*>& services);

  // Shutdown(1 s), then removes the socket.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The TCP port; 0 on a Unix socket.
  int port() const { return port_; }

  // The health service's answer, for the server as a whole.
  void SetServing(bool serving);

  // Refuses new calls, and cancels those still running after `grace`. Idempotent.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  Server() = default;
  static Result<std::unique_ptr<Server>> StartOnSocket(const ServerOptions& options,
                                                       grpc::ServerBuilder& builder);
  static Result<std::unique_ptr<Server>> StartOnTcp(const TcpOptions& options,
                                                    grpc::ServerBuilder& builder);

  std::shared_ptr<TlsIdentity> identity_;
  std::unique_ptr<grpc::Server> server_;
  std::string path_;
  int port_ = 0;
};

}  // namespace jitwg::rpc
