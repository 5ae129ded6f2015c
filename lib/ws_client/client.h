// Carries the datagrams of one WireGuard on this machine through a WebSocket, for as long as
// wanted: dials again whenever the connection breaks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lib/base/net.h"
#include "lib/base/result.h"
#include "lib/ws_client/dial.h"
#include "lib/ws_io/tls_context.h"

namespace jitwg::ws {

// What is worth telling; called on the client's thread.
struct ClientEvents {
  std::function<void(const Endpoint& local)> on_listening;
  std::function<void(const std::string& server)> on_connected;
  // `again_in` is how long it waits now.
  std::function<void(const Error& error, std::chrono::milliseconds again_in)> on_broken;
};

struct ClientOptions {
  DialOptions dial;
  std::optional<TlsContext> tls;  // needed for wss://
  Endpoint listen;                // where the local WireGuard sends; a loopback address
  std::chrono::milliseconds first_pause = std::chrono::milliseconds(250);
  std::chrono::milliseconds longest_pause = std::chrono::seconds(5);
};

// Runs until `stop` becomes readable (then it closes the WebSocket properly and succeeds), or
// `listen` cannot be bound. Answers go to whoever on this machine sent last.
Status RunClient(const ClientOptions& options, const ClientEvents& events, int stop);

}  // namespace jitwg::ws
