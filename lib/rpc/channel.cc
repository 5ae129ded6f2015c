#include "lib/rpc/channel.h"

#include <grpcpp/grpcpp.h>

#include "lib/rpc/unix_socket.h"

namespace jitwg::rpc {

Result<std::shared_ptr<grpc::Channel>> MakeChannel(std::string_view address) {
  const auto path = ParseUnixAddress(address);
  if (!path) return path.error();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // Not a pause, whatever its name: how long an attempt may take until the server's first frame. A
  // busy machine needs seconds; a socket that nobody listens on fails at once in any case.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // No probes of the line's bandwidth: they are pings for messages that come after a pause.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // Each channel its own connection: a process may restart a server under the same path.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("unix:" + *path, grpc::InsecureChannelCredentials(), arguments);
}

void SetTimeout(grpc::ClientContext& context, std::chrono::milliseconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

}  // namespace jitwg::rpc
