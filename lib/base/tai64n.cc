#include "lib/base/tai64n.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "lib/base/key.h"

namespace jitwg {
namespace {

constexpr std::uint64_t kTaiOffset = 0x400000000000000aULL;

}  // namespace

std::optional<Tai64n> Tai64n::FromBytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != kTai64nSize) return std::nullopt;
  Tai64n stamp;
  std::copy(bytes.begin(), bytes.end(), stamp.bytes.begin());
  return stamp;
}

Tai64n Tai64n::FromUnix(std::int64_t seconds, std::uint32_t nanoseconds) {
  Tai64n stamp;
  const std::uint64_t label = kTaiOffset + static_cast<std::uint64_t>(seconds);
  for (std::size_t i = 0; i < 8; ++i) {
    stamp.bytes[i] = static_cast<std::uint8_t>(label >> (56 - 8 * i));
  }
  for (std::size_t i = 0; i < 4; ++i) {
    stamp.bytes[8 + i] = static_cast<std::uint8_t>(nanoseconds >> (24 - 8 * i));
  }
  return stamp;
}

std::int64_t Tai64n::UnixSeconds() const {
  std::uint64_t label = 0;
  for (std::size_t i = 0; i < 8; ++i) label = label << 8 | bytes[i];
  return static_cast<std::int64_t>(label - kTaiOffset);
}

std::uint32_t Tai64n::Nanoseconds() const {
  std::uint32_t value = 0;
  for (std::size_t i = 8; i < 12; ++i) value = value << 8 | bytes[i];
  return value;
}

std::string Tai64n::ToUtc() const {
  constexpr std::int64_t kYear1 = -62135596800;
  constexpr std::int64_t kYear10000 = 253402300800;
  const std::int64_t seconds = UnixSeconds();
  if (seconds < kYear1 || seconds >= kYear10000 || Nanoseconds() > 999'999'999) {
    return ToHex(bytes);
  }
  const std::time_t time = seconds;
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     Nanoseconds());
}

}  // namespace jitwg
