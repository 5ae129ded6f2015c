// TAI64N, the time stamp of a handshake initiation (WireGuard paper 5.1;
// https://cr.yp.to/libtai/tai64.html).
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace jitwg {

inline constexpr std::size_t kTai64nSize = 12;

// 8 bytes big-endian 2^62 + 10 + Unix seconds, then 4 bytes big-endian nanoseconds. Ordered like
// the bytes, which is how the kernel compares them (drivers/net/wireguard/noise.c). The value is
// the sender's claim: it may be any bytes.
struct Tai64n {
  std::array<std::uint8_t, kTai64nSize> bytes{};

  static std::optional<Tai64n> FromBytes(std::span<const std::uint8_t> bytes);
  static Tai64n FromUnix(std::int64_t seconds, std::uint32_t nanoseconds);

  // Unix seconds; negative before 1970. Wraps for hostile values, never traps.
  std::int64_t UnixSeconds() const;
  // As sent; may exceed 999,999,999.
  std::uint32_t Nanoseconds() const;
  // "2023-11-14T22:13:20.123456789Z"; the 24 hexadecimal digits when the claim is no date of
  // years 1..9999.
  std::string ToUtc() const;

  auto operator<=>(const Tai64n&) const = default;
};

}  // namespace jitwg
