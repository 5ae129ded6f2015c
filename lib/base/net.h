// IP addresses, prefixes and UDP endpoints as plain values. No sockets, no resolver.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg {

enum class IpFamily : std::uint8_t { kV4 = 4, kV6 = 6 };

class IpAddress {
 public:
  // 0.0.0.0
  IpAddress() = default;
  static IpAddress V4(std::span<const std::uint8_t, 4> bytes);
  static IpAddress V6(std::span<const std::uint8_t, 16> bytes);
  // 4 or 16 bytes in network order; kInvalidArgument for any other size.
  static Result<IpAddress> FromBytes(std::span<const std::uint8_t> bytes);
  static Result<IpAddress> Parse(std::string_view text);

  IpFamily family() const { return family_; }
  bool is_v4() const { return family_ == IpFamily::kV4; }
  int bit_length() const { return is_v4() ? 32 : 128; }
  // 4 or 16 bytes in network order.
  std::span<const std::uint8_t> bytes() const {
    return std::span<const std::uint8_t>(bytes_).first(is_v4() ? 4 : 16);
  }
  std::string ToString() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  IpFamily family_ = IpFamily::kV4;
  std::array<std::uint8_t, 16> bytes_{};
};

// A network: the bits past `length` are always zero.
class IpPrefix {
 public:
  // 0.0.0.0/0
  IpPrefix() = default;
  // kInvalidArgument when length exceeds the family's 32 or 128 bits. Host bits are cleared, as
  // wg(8) does.
  static Result<IpPrefix> Make(const IpAddress& address, int length);
  // "10.8.0.2/32", "fd08::/64"; a bare address is a host prefix. kInvalidArgument otherwise.
  static Result<IpPrefix> Parse(std::string_view text);

  const IpAddress& address() const { return address_; }
  int length() const { return length_; }
  bool Contains(const IpAddress& address) const;
  // Every address of `other` is inside this one. A v4 prefix never contains a v6 one.
  bool Contains(const IpPrefix& other) const;
  bool Overlaps(const IpPrefix& other) const { return Contains(other) || other.Contains(*this); }
  std::string ToString() const;

  auto operator<=>(const IpPrefix&) const = default;

 private:
  IpAddress address_;
  int length_ = 0;
};

// A UDP endpoint. `scope_id` is the interface index of a link-local IPv6 address, else 0.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t scope_id = 0;

  // "192.0.2.1:51820" or "[2001:db8::1]:51820", "[fe80::1%2]:51820".
  std::string ToString() const;

  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace jitwg
