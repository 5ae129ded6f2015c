#include "lib/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>

#include "grpc/health/v1/health.pb.h"
#include "lib/rpc/grpc_log.h"
#include "lib/rpc/tls_credentials.h"

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

Result<ServerOptions> ServeAt(std::string_view address, const SocketAccess& access,
                              const TlsOptions& tls) {
  auto parsed = ParseAddress(address);
  if (!parsed) return parsed.error();
  ServerOptions options;
  options.access = access;
  if (parsed->is_unix()) {
    options.socket_path = std::move(parsed->socket_path);
  } else {
    options.tcp = TcpOptions{std::move(*parsed), tls};
  }
  return options;
}

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                              const std::vector<grpc::Service*>& services) {
  QuietGrpcLog();
  EnablePlugins();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(options.max_message_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 256);
  // No probes of the line's bandwidth: they are pings for messages that come after a pause.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  for (grpc::Service* service : services) builder.RegisterService(service);
  auto server = options.tcp ? StartOnTcp(*options.tcp, builder) : StartOnSocket(options, builder);
  if (server) (*server)->SetServing(true);
  return server;
}

Result<std::unique_ptr<Server>> Server::StartOnSocket(const ServerOptions& options,
                                                      grpc::ServerBuilder& builder) {
  const std::string& path = options.socket_path;
  if (const Status safe = CheckSocketDirectory(path); !safe) return safe.error();
  if (const Status claimed = ClaimSocketPath(path); !claimed) return claimed.error();
  std::unique_ptr<Server> server(new Server());
  int bound = 0;
  builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials(), &bound);
  const mode_t old_mask = ::umask(0177);
  server->server_ = builder.BuildAndStart();
  ::umask(old_mask);
  if (server->server_ == nullptr || bound == 0) {
    return Error{ErrorCode::kUnavailable,
                 "cannot listen on " + path + "; does its directory exist and may we write there?"};
  }
  server->path_ = path;
  const Status access = ApplySocketAccess(path, options.access);
  if (!access) return access.error();
  return server;
}

Result<std::unique_ptr<Server>> Server::StartOnTcp(const TcpOptions& options,
                                                   grpc::ServerBuilder& builder) {
  const std::string where = options.address.ToString();
  const std::string missing = MissingForTls(options.tls, TlsSide::kServer);
  if (!missing.empty()) {
    return InvalidArgument("listening on " + where + " is TCP, which needs mutual TLS: add " +
                           missing);
  }
  auto identity = TlsIdentity::Load(options.tls);
  if (!identity) return identity.error();
  std::unique_ptr<Server> server(new Server());
  server->identity_ = std::move(*identity);
  builder.AddListeningPort(where, ServerCredentials(*server->identity_, options.tls.client_names),
                           &server->port_);
  // Another process at the same port must be an error, not a second half of our callers.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A stranger who connects and says nothing holds a descriptor no longer than this.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  server->server_ = builder.BuildAndStart();
  if (server->server_ != nullptr && server->port_ != 0) return server;
  return Error{ErrorCode::kUnavailable,
               "cannot listen on " + where + "; is the port free and the address this machine's?"};
}

Server::~Server() {
  if (server_ == nullptr) return;
  Shutdown(std::chrono::seconds(1));
  if (!path_.empty()) ::unlink(path_.c_str());
}

void Server::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

void Server::Shutdown(std::chrono::milliseconds grace) {
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
}

}  // namespace jitwg::rpc
