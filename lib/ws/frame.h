// WebSocket frames as they are written (RFC 6455, section 5.2): header and mask. Reading them is
// lib/ws/frame_decoder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace jitwg::ws {

enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

// Which end of a connection this is. A client masks what it sends, a server does not.
enum class Role : std::uint8_t { kServer, kClient };

using MaskKey = std::array<std::uint8_t, 4>;

inline constexpr std::size_t kMaxFrameHeader = 14;
inline constexpr std::size_t kMaxControlPayload = 125;

// 2..14 bytes of header for one whole message or control frame (FIN set), its length in as few
// bytes as it needs. Returns how many were written.
std::size_t EncodeFrameHeader(Opcode opcode, std::uint64_t payload_length,
                              const std::optional<MaskKey>& mask,
                              std::span<std::uint8_t, kMaxFrameHeader> out);

// Masks, or unmasks, in place. `offset` is where in the frame's payload the bytes stand.
void ApplyMask(std::span<std::uint8_t> payload, const MaskKey& mask, std::uint64_t offset);

}  // namespace jitwg::ws
