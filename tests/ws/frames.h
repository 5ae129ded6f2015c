// Frames as a test writes them, right and wrong, and a sink that keeps what it was told.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/ws/frame.h"
#include "lib/ws/frame_decoder.h"

namespace jitwg::ws::test {

using Bytes = std::vector<std::uint8_t>;

inline Bytes FromText(const std::string& text) { return {text.begin(), text.end()}; }
inline std::string ToText(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

// How a frame differs from the plainest one.
struct FrameSpec {
  std::uint8_t first = 0x82;  // FIN and BINARY
  std::optional<MaskKey> mask = MaskKey{1, 2, 3, 4};
  std::optional<int> length_bytes = std::nullopt;          // 0, 2 or 8 instead of what is needed
  std::optional<std::uint64_t> length_lie = std::nullopt;  // instead of the payload's own
};

inline Bytes BuildFrame(const FrameSpec& spec, const Bytes& payload) {
  const std::uint64_t length = spec.length_lie.value_or(payload.size());
  const int bytes = spec.length_bytes.value_or(length < 126 ? 0 : length <= 0xffff ? 2 : 8);
  const std::uint64_t short_length = bytes == 0 ? length : bytes == 2 ? 126 : 127;
  Bytes frame = {spec.first,
                 static_cast<std::uint8_t>((spec.mask ? 0x80 : 0) | (short_length & 0x7f))};
  for (int i = bytes; i-- > 0;) frame.push_back(static_cast<std::uint8_t>(length >> (8 * i)));
  if (spec.mask) frame.insert(frame.end(), spec.mask->begin(), spec.mask->end());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<std::uint8_t>(payload[i] ^ (spec.mask ? (*spec.mask)[i % 4] : 0)));
  }
  return frame;
}

// A masked frame with this first byte.
inline Bytes Frame(std::uint8_t first, const std::string& payload) {
  return BuildFrame({.first = first}, FromText(payload));
}

inline Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// Everything in one text: "text(ab)end ping(x) close(1000)".
class KeepingSink : public FrameSink {
 public:
  Fault OnMessage(Opcode opcode) override {
    heard += opcode == Opcode::kText ? "text(" : "binary(";
    return Fault::kNone;
  }
  Fault OnPayload(std::span<const std::uint8_t> bytes) override {
    EXPECT_FALSE(bytes.empty());
    heard += ToText(bytes);
    return Fault::kNone;
  }
  Fault OnMessageEnd() override {
    heard += ") ";
    return Fault::kNone;
  }
  void OnPing(std::span<const std::uint8_t> payload) override {
    heard += "ping(" + ToText(payload) + ") ";
  }
  void OnPong() override { heard += "pong "; }
  void OnClose(std::optional<std::uint16_t> code) override {
    heard += "close(" + (code ? std::to_string(*code) : "") + ") ";
  }

  std::string heard;
};

}  // namespace jitwg::ws::test
