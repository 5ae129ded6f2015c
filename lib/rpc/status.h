// The one place where project errors become gRPC status codes and back.
#pragma once

#include <grpcpp/support/status.h>

#include "lib/base/result.h"

namespace jitwg::rpc {

grpc::Status ToGrpc(const Error& error);
// OK when `status` holds a value.
grpc::Status ToGrpc(const Status& status);

// OK becomes a value; a code with no counterpart becomes kInternal. `what` names the call: "<what>:
// <message>".
Status FromGrpc(const grpc::Status& status, std::string_view what);

}  // namespace jitwg::rpc
