// gRPC's own log lines: a stranger's handshake can cause them, so they are told at debug level
// only.
#pragma once

namespace jitwg::rpc {

// Once per process; any thread, any number of times.
void QuietGrpcLog();

}  // namespace jitwg::rpc
