// How texts from flags, environment and configuration files become values. Pure; knows no option.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/net.h"
#include "lib/base/result.h"

namespace jitwg {

// "500ms", "10s", "5m", "24h", or several joined: "1m30s". A unit is always needed, except after a
// lone "0". kInvalidArgument otherwise, and for more than 100 years.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);

// The shortest text that ParseDuration reads back as the same value: "5m", "1m30s", "0s".
std::string FormatDuration(std::chrono::milliseconds duration);

// A decimal whole number within [min, max]; kInvalidArgument names the bounds.
Result<std::int64_t> ParseNumber(std::string_view text, std::int64_t min, std::int64_t max);

// "true", "false", "yes", "no", "on", "off", "1", "0".
Result<bool> ParseBool(std::string_view text);

// The permission bits of a file.
struct FileMode {
  unsigned bits = 0;
  auto operator<=>(const FileMode&) const = default;
};

// Octal digits, "0660" or "660", at most 0777.
Result<FileMode> ParseFileMode(std::string_view text);
// "0660"
std::string FormatFileMode(FileMode mode);

// "wg0=10.8.0.0/16": a prefix that interface wg0 may route.
struct InterfacePrefix {
  std::string interface;
  IpPrefix prefix;
  auto operator<=>(const InterfacePrefix&) const = default;
};

// Host bits must be zero: 10.8.0.1/16 is refused, and the message says 10.8.0.0/16.
Result<InterfacePrefix> ParseInterfacePrefix(std::string_view text);

// A prefix whose host bits are zero (IpPrefix::Parse clears them silently).
Result<IpPrefix> ParseExactPrefix(std::string_view text);

// A network interface's name: 1..15 bytes, no '/', no blanks (net/core/dev.c, dev_valid_name).
Status CheckInterfaceName(std::string_view text);

// "unix:/path" or "/path", the path absolute and short enough for sockaddr_un (107 bytes).
Status CheckUnixAddress(std::string_view text);

// `text` in single quotes, at most 60 bytes of it, control bytes written as \xNN: fit for one line
// of a message.
std::string Quoted(std::string_view text);

// The one of `names` that `text` was probably meant to be (at most two letters away); empty when
// none is near.
std::string NearestName(std::string_view text, const std::vector<std::string>& names);

}  // namespace jitwg
