#include "lib/rpc/address.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "lib/base/config_values.h"
#include "lib/base/net.h"
#include "lib/rpc/unix_socket.h"

namespace jitwg::rpc {
namespace {

constexpr std::string_view kTcpScheme = "tcp:";
constexpr std::size_t kLongestName = 253;  // RFC 1035, 2.3.4

Error NoAddress(std::string_view text) {
  return InvalidArgument(Quoted(text) +
                         " is no address; write it like unix:/run/jitwg/sniffer.sock, "
                         "gw1.example.org:7000 or [fd00::1]:7000");
}

bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= kLongestName && host.front() != '-' &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' ||
                  c == '_';
         });
}

bool IsHost(std::string_view host, bool brackets) {
  const auto address = IpAddress::Parse(host);
  if (brackets) return address && !address->is_v4();
  return (address && address->is_v4()) || IsHostName(host);
}

}  // namespace

std::string Address::ToString() const {
  if (is_unix()) return "unix:" + socket_path;
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Address> ParseAddress(std::string_view text) {
  if (text.substr(0, 1) == "/" || text.substr(0, 5) == "unix:") {
    auto path = ParseUnixAddress(text);
    if (!path) return path.error();
    return Address{std::move(*path), "", 0};
  }
  std::string_view rest = text;
  if (rest.substr(0, kTcpScheme.size()) == kTcpScheme) rest.remove_prefix(kTcpScheme.size());
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return NoAddress(text);
  std::string_view host = rest.substr(0, colon);
  const std::string_view digits = rest.substr(colon + 1);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  if (!whole || !IsHost(host, brackets)) return NoAddress(text);
  return Address{"", std::string(host), port};
}

Status CheckAddress(const std::string& text) {
  const auto address = ParseAddress(text);
  if (!address) return address.error();
  return {};
}

}  // namespace jitwg::rpc
