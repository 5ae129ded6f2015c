#include "lib/ws/utf8.h"

#include <cstddef>

namespace jitwg::ws {
namespace {

struct Shape {
  std::size_t length = 0;   // 0: no first byte
  std::uint8_t low = 0x80;  // the second byte's bounds
  std::uint8_t high = 0xbf;
};

// RFC 3629, section 4.
Shape ShapeOf(std::uint8_t first) {
  if (first < 0x80) return {1};
  if (first >= 0xc2 && first <= 0xdf) return {2};
  if (first == 0xe0) return {3, 0xa0, 0xbf};
  if (first == 0xed) return {3, 0x80, 0x9f};
  if (first >= 0xe1 && first <= 0xef) return {3};
  if (first == 0xf0) return {4, 0x90, 0xbf};
  if (first >= 0xf1 && first <= 0xf3) return {4};
  if (first == 0xf4) return {4, 0x80, 0x8f};
  return {};
}

}  // namespace

bool IsUtf8(std::span<const std::uint8_t> bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const Shape shape = ShapeOf(bytes[at]);
    if (shape.length == 0 || shape.length > bytes.size() - at) return false;
    for (std::size_t i = 1; i < shape.length; ++i) {
      const std::uint8_t byte = bytes[at + i];
      const std::uint8_t low = i == 1 ? shape.low : 0x80;
      const std::uint8_t high = i == 1 ? shape.high : 0xbf;
      if (byte < low || byte > high) return false;
    }
    at += shape.length;
  }
  return true;
}

}  // namespace jitwg::ws
