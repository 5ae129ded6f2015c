#include "lib/rpc/channel.h"

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <map>
#include <mutex>

#include "lib/rpc/address.h"
#include "lib/rpc/grpc_log.h"
#include "lib/rpc/tls_credentials.h"
#include "lib/rpc/tls_identity.h"
#include "lib/rpc/unix_socket.h"

namespace jitwg::rpc {
namespace {

constexpr int kMaxAnswerBytes = 32 << 20;

grpc::ChannelArguments CommonArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // Not a pause, whatever its name: how long an attempt may take until the server's first frame. A
  // busy machine needs seconds; a socket that nobody listens on fails at once in any case.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // No probes of the line's bandwidth: they are pings for messages that come after a pause.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // gRPC's own 4 MiB are too few for an answer that has each of a hundred thousand peers in it.
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  // Each channel its own connection: a process may restart a server under the same path.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

// One identity for all channels with the same files. They are never destroyed, since a channel can
// outlive its owner inside gRPC; at the process's end they only stop to follow their files.
class Identities {
 public:
  Identities() : by_files_(*new Map()) {
    spdlog::default_logger_raw();  // made before this object, so destroyed after it
  }
  ~Identities() {
    const std::lock_guard lock(mutex_);
    for (const auto& [files, identity] : by_files_) {
      if (identity != nullptr) identity->StopFollowing();
    }
  }
  Result<std::shared_ptr<TlsIdentity>> Of(const TlsOptions& tls);

 private:
  using Map = std::map<std::string, std::shared_ptr<TlsIdentity>>;
  std::mutex mutex_;
  Map& by_files_;
};

Result<std::shared_ptr<TlsIdentity>> Identities::Of(const TlsOptions& tls) {
  const std::string files = tls.ca_file + '\0' + tls.certificate_file + '\0' + tls.key_file;
  const std::lock_guard lock(mutex_);
  std::shared_ptr<TlsIdentity>& kept = by_files_[files];
  if (kept != nullptr) return kept;
  auto loaded = TlsIdentity::Load(tls);
  if (loaded) kept = *loaded;
  return loaded;
}

// Whether a line that is silent is still one: a machine that vanished says no goodbye. And straight
// to the address, whatever a proxy's environment variable says.
void AddTcpArguments(grpc::ChannelArguments& arguments) {
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

}  // namespace

Result<std::shared_ptr<grpc::Channel>> MakeChannel(std::string_view address,
                                                   const TlsOptions& tls) {
  const auto parsed = ParseAddress(address);
  if (!parsed) return parsed.error();
  QuietGrpcLog();
  grpc::ChannelArguments arguments = CommonArguments();
  if (parsed->is_unix()) {
    // Who may put a socket there would be told what is meant for the server: preshared keys.
    if (const Status safe = CheckSocketDirectory(parsed->socket_path); !safe) return safe.error();
    return grpc::CreateCustomChannel("unix:" + parsed->socket_path,
                                     grpc::InsecureChannelCredentials(), arguments);
  }
  const std::string missing = MissingForTls(tls, TlsSide::kClient);
  if (!missing.empty()) {
    return InvalidArgument("'" + std::string(address) + "' is TCP, which needs mutual TLS: add " +
                           missing + ", or use a Unix socket");
  }
  static Identities identities;
  const auto identity = identities.Of(tls);
  if (!identity) return identity.error();
  auto names = tls.server_names;
  if (names.empty()) names.push_back(parsed->host);
  AddTcpArguments(arguments);
  return grpc::CreateCustomChannel("dns:" + parsed->ToString(),
                                   ChannelCredentials(**identity, names), arguments);
}

void SetTimeout(grpc::ClientContext& context, std::chrono::milliseconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

}  // namespace jitwg::rpc
