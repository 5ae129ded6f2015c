// A fuzzer's input as what a structure is built from, and the check that ends a run.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/net.h"

namespace jitwg::test {

inline void Require(bool condition) {
  if (!condition) std::abort();
}

// Takes values off the front; behind the end stand zeros.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  std::uint8_t Byte() { return static_cast<std::uint8_t>(Number(1)); }
  // Big-endian.
  std::uint64_t Number(int bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      value = value << 8 | (rest_.empty() ? 0 : rest_.front());
      rest_ = rest_.subspan(rest_.empty() ? 0 : 1);
    }
    return value;
  }
  std::span<const std::uint8_t> Bytes(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  std::string_view Text(std::size_t count) {
    const auto taken = Bytes(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  std::span<const std::uint8_t> Rest() const { return rest_; }

  // 32 bytes that one byte makes, so that the same key comes again.
  std::array<std::uint8_t, 32> Key() {
    std::array<std::uint8_t, 32> key{};
    key.fill(Byte());
    return key;
  }
  IpAddress Address() {
    std::array<std::uint8_t, 16> bytes{};
    const bool v4 = (Byte() & 1) != 0;
    for (std::uint8_t& byte : std::span(bytes).first(v4 ? 4 : 16)) byte = Byte();
    return v4 ? IpAddress::V4(std::span(bytes).first<4>()) : IpAddress::V6(bytes);
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace jitwg::test
