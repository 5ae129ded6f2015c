// A gRPC server on a Unix socket with the standard health service and server reflection, as every
// jitwg server is.
#pragma once

#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/rpc/unix_socket.h"

namespace jitwg::rpc {

struct ServerOptions {
  std::string socket_path;
  SocketAccess access;
  int max_message_bytes = 4 << 20;
};

class Server {
 public:
  // Binds and serves `services`, which must outlive the server. Nobody but the owner can connect
  // before mode and group are set. kAlreadyExists: the path is taken.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                               const std::vector<grpc::Service*>& services);

  // Shutdown(1 s), then removes the socket.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The health service's answer, for the server as a whole.
  void SetServing(bool serving);

  // Refuses new calls, and cancels those still running after `grace`. Idempotent.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  Server(std::unique_ptr<grpc::Server> server, std::string path);

  std::unique_ptr<grpc::Server> server_;
  std::string path_;
};

}  // namespace jitwg::rpc
