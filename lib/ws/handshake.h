// The opening handshake of both ends (RFC 6455, section 4) as text in and text out, and which
// variant of the tunnel it opens: with the subprotocol kSubprotocol the clean one, without any the
// one that deployed clients speak.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/ws/http_head.h"
#include "lib/ws/tunnel.h"

namespace jitwg::ws {

// The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string AcceptKey(std::string_view key);

struct UpgradeAnswer {
  int status = 400;  // 101: the connection is open
  Variant variant = Variant::kRecords;
  std::string response;  // to be sent in any case
};

// Judges a request's head, as far as it came: 101, or 400 (malformed, or without what an upgrade
// needs), 404 (another path), 405 (not GET), 426 (no upgrade to WebSocket, or not version 13), 505
// (not HTTP/1.1). Offered extensions are ignored; of the offered subprotocols kSubprotocol is
// taken.
UpgradeAnswer AnswerUpgrade(std::string_view head, std::string_view path);
// The same with a parsed head.
UpgradeAnswer AnswerUpgrade(const HttpHead& head, std::string_view path);

// A whole response without a body that ends the connection. For 408, 431 and the above.
std::string RefusalResponse(int status);

// A client's request. `key` is 16 random bytes in base64.
std::string UpgradeRequest(std::string_view host, std::string_view path, std::string_view key,
                           Variant variant);

// Judges the head of the answer. kUnavailable says what the server sent instead of the upgrade.
Status CheckUpgradeResponse(std::string_view head, std::string_view key, Variant variant);

}  // namespace jitwg::ws
