// Client side: a channel to one of the project's servers, and calls with a deadline.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg::rpc {

// A channel to "unix:/path"; connects lazily and again after a loss, within 100 ms to 1 s.
// kInvalidArgument: no such form of address.
Result<std::shared_ptr<grpc::Channel>> MakeChannel(std::string_view address);

// Sets the call's deadline to now + timeout.
void SetTimeout(grpc::ClientContext& context, std::chrono::milliseconds timeout);

}  // namespace jitwg::rpc
