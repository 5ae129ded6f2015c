// From a URL to an open WebSocket: resolve, connect, TLS, upgrade, with one deadline for all.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/ws/tunnel.h"
#include "lib/ws/url.h"
#include "lib/ws_io/byte_stream.h"
#include "lib/ws_io/datagram_socket.h"

namespace jitwg::ws {

struct DialOptions {
  Url url;
  Variant variant = Variant::kDatagrams;
  std::chrono::milliseconds timeout = std::chrono::seconds(15);
  // A mark for the operator's routing rules (SO_MARK; needs CAP_NET_ADMIN); 0: none.
  std::uint32_t mark = 0;
};

struct OpenSocket {
  Descriptor socket;
  std::unique_ptr<ByteStream> stream;
  // What the server sent behind its answer.
  std::vector<std::uint8_t> early;
  std::string peer;  // its address, for the log
};

// `tls` is needed for wss:// only. Tries the host's addresses in turn. kAborted: `stop` became
// readable.
Result<OpenSocket> Dial(const DialOptions& options, const TlsContext* tls, int stop);

}  // namespace jitwg::ws
