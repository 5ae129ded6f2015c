// Client side: a channel to one of the project's servers, and calls with a deadline.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/rpc/tls_options.h"

namespace jitwg::rpc {

// A channel to an address as ParseAddress reads it; connects lazily and again after a loss, within
// 100 ms to 1 s. TCP is only ever spoken with mutual TLS: kInvalidArgument when `tls` lacks
// something, or no such form of address; kPermissionDenied when anyone may write the socket's
// directory (CheckSocketDirectory); else the errors of ReadTlsFiles.
Result<std::shared_ptr<grpc::Channel>> MakeChannel(std::string_view address,
                                                   const TlsOptions& tls = {});

// Sets the call's deadline to now + timeout.
void SetTimeout(grpc::ClientContext& context, std::chrono::milliseconds timeout);

}  // namespace jitwg::rpc
