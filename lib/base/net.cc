#include "lib/base/net.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace jitwg {
namespace {

bool SameLeadingBits(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, int bits) {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  const int rest = bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest) & 0xff;
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

Error NoPrefix(std::string_view text) {
  return Error{ErrorCode::kInvalidArgument,
               "'" + std::string(text.substr(0, 60)) +
                   "' is no prefix; write it like 10.8.0.0/16 or fd08::/64"};
}

}  // namespace

IpAddress IpAddress::V4(std::span<const std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::V6(std::span<const std::uint8_t, 16> bytes) {
  IpAddress address;
  address.family_ = IpFamily::kV6;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

Result<IpAddress> IpAddress::FromBytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() == 4) return V4(bytes.first<4>());
  if (bytes.size() == 16) return V6(bytes.first<16>());
  return Error{ErrorCode::kInvalidArgument,
               "an IP address has 4 or 16 bytes, not " + std::to_string(bytes.size())};
}

Result<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string copy(text);
  std::array<std::uint8_t, 16> bytes{};
  // inet_pton stops at a NUL byte, behind which anything could stand.
  const bool whole = copy.find('\0') == std::string::npos;
  if (whole && ::inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) {
    return V4(std::span(bytes).first<4>());
  }
  if (whole && ::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return V6(bytes);
  return Error{ErrorCode::kInvalidArgument, "'" + copy.substr(0, 60) + "' is no IP address"};
}

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

Result<IpPrefix> IpPrefix::Make(const IpAddress& address, int length) {
  if (length < 0 || length > address.bit_length()) {
    return Error{ErrorCode::kInvalidArgument,
                 "prefix length " + std::to_string(length) + " is not within 0.." +
                     std::to_string(address.bit_length()) + " for " + address.ToString()};
  }
  std::array<std::uint8_t, 16> bytes{};
  std::copy(address.bytes().begin(), address.bytes().end(), bytes.begin());
  for (int bit = length; bit < 128; ++bit) {
    bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80 >> (bit % 8)));
  }
  IpPrefix prefix;
  prefix.address_ =
      address.is_v4() ? IpAddress::V4(std::span(bytes).first<4>()) : IpAddress::V6(bytes);
  prefix.length_ = length;
  return prefix;
}

Result<IpPrefix> IpPrefix::Parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::Parse(text.substr(0, slash));
  if (!address) return NoPrefix(text);
  if (slash == std::string_view::npos) return Make(*address, address->bit_length());
  const std::string_view digits = text.substr(slash + 1);
  int length = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.front() == '-') {
    return NoPrefix(text);
  }
  return Make(*address, length);
}

bool IpPrefix::Contains(const IpAddress& address) const {
  return address.family() == address_.family() &&
         SameLeadingBits(address_.bytes(), address.bytes(), length_);
}

bool IpPrefix::Contains(const IpPrefix& other) const {
  return other.length_ >= length_ && Contains(other.address_);
}

std::string IpPrefix::ToString() const {
  return address_.ToString() + "/" + std::to_string(length_);
}

std::string Endpoint::ToString() const {
  if (address.is_v4()) return address.ToString() + ":" + std::to_string(port);
  const std::string scope = scope_id == 0 ? "" : "%" + std::to_string(scope_id);
  return "[" + address.ToString() + scope + "]:" + std::to_string(port);
}

}  // namespace jitwg
