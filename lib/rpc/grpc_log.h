// gRPC's own log lines: a stranger's handshake can cause them, so they are told at debug level
// only. Its traces are not told at all, for they hold what is sent, preshared keys among it.
#pragma once

namespace jitwg::rpc {

// Once per process; any thread, any number of times.
void QuietGrpcLog();

}  // namespace jitwg::rpc
