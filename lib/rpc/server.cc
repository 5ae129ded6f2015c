#include "lib/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>

#include "grpc/health/v1/health.pb.h"

namespace jitwg::rpc {
namespace {

void EnablePlugins() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // gRPC's own health service registers no descriptor; a use of ours keeps it linked in, so that
    // reflection can describe the service.
    grpc::health::v1::HealthCheckRequest::descriptor();
  });
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                              const std::vector<grpc::Service*>& services) {
  EnablePlugins();
  const Status claimed = ClaimSocketPath(options.socket_path);
  if (!claimed) return claimed.error();

  grpc::ServerBuilder builder;
  int bound = 0;
  builder.AddListeningPort("unix:" + options.socket_path, grpc::InsecureServerCredentials(),
                           &bound);
  builder.SetMaxReceiveMessageSize(options.max_message_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 256);
  // No probes of the line's bandwidth: they are pings for messages that come after a pause.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  for (grpc::Service* service : services) builder.RegisterService(service);

  const mode_t old_mask = ::umask(0177);
  std::unique_ptr<grpc::Server> grpc_server = builder.BuildAndStart();
  ::umask(old_mask);
  if (grpc_server == nullptr || bound == 0) {
    return Error{ErrorCode::kUnavailable, "cannot listen on " + options.socket_path +
                                              "; does its directory exist and may we write there?"};
  }
  std::unique_ptr<Server> server(new Server(std::move(grpc_server), options.socket_path));
  const Status access = ApplySocketAccess(options.socket_path, options.access);
  if (!access) return access.error();
  server->SetServing(true);
  return server;
}

Server::Server(std::unique_ptr<grpc::Server> server, std::string path)
    : server_(std::move(server)), path_(std::move(path)) {}

Server::~Server() {
  Shutdown(std::chrono::seconds(1));
  ::unlink(path_.c_str());
}

void Server::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

void Server::Shutdown(std::chrono::milliseconds grace) {
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
}

}  // namespace jitwg::rpc
