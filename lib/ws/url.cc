#include "lib/ws/url.h"

#include <algorithm>

#include "lib/base/config_values.h"
#include "lib/base/net.h"

namespace jitwg::ws {
namespace {

constexpr std::string_view kTls = "wss://";
constexpr std::string_view kPlain = "ws://";

std::uint16_t OwnPort(bool tls) { return tls ? 443 : 80; }

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "host", "host:port", "[v6]", "[v6]:port" into `url`.
bool TakeAuthority(std::string_view text, Url& url) {
  std::string_view port;
  if (TakePrefix(text, "[")) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    url.host = text.substr(0, end);
    const auto address = IpAddress::Parse(url.host);
    if (!address || address->is_v4()) return false;
    text.remove_prefix(end + 1);
    if (!text.empty() && !TakePrefix(text, ":")) return false;
    port = text;
  } else {
    const auto colon = text.find(':');
    url.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
    if (colon != std::string_view::npos && port.empty()) return false;
  }
  if (url.host.empty()) return false;
  if (port.empty()) return true;
  const auto number = ParseNumber(port, 1, 65535);
  if (number) url.port = static_cast<std::uint16_t>(*number);
  return number.has_value();
}

}  // namespace

std::string Url::HostHeader() const {
  std::string header = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != OwnPort(tls)) header += ":" + std::to_string(port);
  return header;
}

Result<Url> ParseUrl(std::string_view text) {
  const Error wrong = InvalidArgument(
      Quoted(text) + " is no URL like wss://gateway.example.org or ws://host:port/");
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!printable || text.find_first_of("#@") != std::string_view::npos) return wrong;
  Url url;
  url.tls = TakePrefix(text, kTls);
  if (!url.tls && !TakePrefix(text, kPlain)) return wrong;
  url.port = OwnPort(url.tls);
  const auto slash = text.find_first_of("/?");
  if (!TakeAuthority(text.substr(0, slash), url)) return wrong;
  if (slash != std::string_view::npos) url.path = text.substr(slash);
  if (url.path.front() == '?') url.path.insert(0, "/");
  return url;
}

}  // namespace jitwg::ws
