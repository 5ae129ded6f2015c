// Bytes written as hexadecimal text, for expectations that were put together by hand.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace jitwg::test {

inline std::string ToHex(std::span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace jitwg::test
