#include "lib/base/config_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace jitwg {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 4> kUnits = {{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::int64_t kMaxMilliseconds = std::int64_t{100} * 366 * 24 * 3'600'000;

Error NoDuration(std::string_view text) {
  return InvalidArgument(Quoted(text) +
                         " is no duration; write a number and a unit, like 500ms, 10s, 5m or 24h");
}

const Unit* FindUnit(std::string_view name) {
  const auto* unit =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
  return unit == kUnits.end() ? nullptr : unit;
}

// Takes one "<number><unit>" off the front of `text` and adds it to `total`; false when there is
// none.
bool TakePart(std::string_view& text, std::int64_t& total) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0 || text.front() == '-') return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  const auto unit_length = std::min(text.find_first_of("0123456789"), text.size());
  const Unit* unit = FindUnit(text.substr(0, unit_length));
  if (unit == nullptr || number > (kMaxMilliseconds - total) / unit->milliseconds) return false;
  text.remove_prefix(unit_length);
  total += number * unit->milliseconds;
  return true;
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return NoDuration(text);
  std::int64_t total = 0;
  for (std::string_view rest = text; !rest.empty();) {
    if (!TakePart(rest, total)) return NoDuration(text);
  }
  return std::chrono::milliseconds(total);
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string text = rest < 0 ? "-" : "";
  for (const Unit& unit : kUnits) {
    const std::int64_t count = rest / unit.milliseconds;
    rest %= unit.milliseconds;
    if (count != 0) text += std::to_string(count < 0 ? -count : count) + std::string(unit.name);
  }
  return text;
}

Result<std::int64_t> ParseNumber(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && rest == end && number >= min && number <= max) return number;
  const std::string bounds = max == std::numeric_limits<std::int64_t>::max()
                                 ? "from " + std::to_string(min)
                                 : std::to_string(min) + ".." + std::to_string(max);
  return InvalidArgument(Quoted(text) + " is no whole number " + bounds);
}

Result<bool> ParseBool(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on", "1"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off", "0"}) {
    if (text == no) return false;
  }
  return InvalidArgument(Quoted(text) + " is neither true nor false");
}

Result<FileMode> ParseFileMode(std::string_view text) {
  unsigned bits = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, bits, 8);
  if (error != std::errc() || rest != end || text.empty() || bits > 0777U) {
    return InvalidArgument(Quoted(text) +
                           " is no file mode; write octal digits like 0660, at most 0777");
  }
  return FileMode{bits};
}

std::string FormatFileMode(FileMode mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode.bits);
  return text.data();
}

Result<IpPrefix> ParseExactPrefix(std::string_view text) {
  auto prefix = IpPrefix::Parse(text);
  if (!prefix) return prefix;
  const auto address = IpAddress::Parse(text.substr(0, text.find('/')));
  if (address && *address != prefix->address()) {
    return InvalidArgument(Quoted(text) + " has bits behind its prefix length; write " +
                           prefix->ToString() + " for the network or " + address->ToString() + "/" +
                           std::to_string(address->bit_length()) + " for the one address");
  }
  return prefix;
}

Result<InterfacePrefix> ParseInterfacePrefix(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    return InvalidArgument(Quoted(text) + " does not say INTERFACE=PREFIX, like wg0=10.8.0.0/16");
  }
  InterfacePrefix parsed{std::string(text.substr(0, equals)), {}};
  if (auto name = CheckInterfaceName(parsed.interface); !name) return name.error();
  auto prefix = ParseExactPrefix(text.substr(equals + 1));
  if (!prefix) return prefix.error();
  parsed.prefix = *prefix;
  return parsed;
}

Status CheckInterfaceName(std::string_view text) {
  const bool bad_character = std::any_of(text.begin(), text.end(), [](char c) {
    return c == '/' || c == ':' || static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
  });
  if (text.empty() || text.size() > 15 || bad_character || text == "." || text == "..") {
    return InvalidArgument(Quoted(text) +
                           " is no interface name; 1 to 15 characters without '/', ':' or blanks");
  }
  return {};
}

Status CheckUnixAddress(std::string_view text) {
  constexpr std::string_view kScheme = "unix:";
  constexpr std::size_t kMaxPath = 107;
  std::string_view path = text;
  if (path.substr(0, kScheme.size()) == kScheme) path.remove_prefix(kScheme.size());
  if (path.substr(0, 1) != "/") {
    return InvalidArgument(Quoted(text) +
                           " is no socket address; write unix: and an absolute path, like "
                           "unix:/run/jitwg/sniffer.sock");
  }
  if (path.size() > kMaxPath) {
    return InvalidArgument("the socket path in " + Quoted(text) + " is longer than " +
                           std::to_string(kMaxPath) + " bytes, which Unix sockets cannot have");
  }
  return {};
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kMaxShown = 60;
  std::string quoted = "'";
  for (const char c : text.substr(0, kMaxShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte != 0x7f) {
      quoted += c;
      continue;
    }
    std::array<char, 5> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned>(byte));
    quoted += escaped.data();
  }
  return quoted + (text.size() > kMaxShown ? "...'" : "'");
}

std::string NearestName(std::string_view text, const std::vector<std::string>& names) {
  std::string nearest;
  std::size_t best = 3;
  for (const std::string& name : names) {
    if (name.size() > text.size() + 2 || text.size() > name.size() + 2) continue;
    const std::size_t distance = EditDistance(text, name);
    if (distance < best && distance < name.size()) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace jitwg
