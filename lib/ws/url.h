// ws:// and wss:// URLs (RFC 6455, section 3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg::ws {

struct Url {
  bool tls = true;
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 443;
  std::string path = "/";

  // The Host header: brackets around IPv6, the port unless it is the scheme's own.
  std::string HostHeader() const;
};

// "wss://HOST[:PORT][/PATH]" or "ws://..."; kInvalidArgument otherwise, and for user names,
// fragments, blanks and control bytes.
Result<Url> ParseUrl(std::string_view text);

}  // namespace jitwg::ws
