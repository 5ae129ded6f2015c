#include "lib/ws/frame.h"

#include <cstring>

namespace jitwg::ws {
namespace {

std::size_t PutBigEndian(std::uint64_t value, std::size_t bytes, std::uint8_t* out) {
  for (std::size_t i = 0; i < bytes; ++i) {
    out[i] = static_cast<std::uint8_t>(value >> (8 * (bytes - 1 - i)));
  }
  return bytes;
}

}  // namespace

std::size_t EncodeFrameHeader(Opcode opcode, std::uint64_t payload_length,
                              const std::optional<MaskKey>& mask,
                              std::span<std::uint8_t, kMaxFrameHeader> out) {
  out[0] = static_cast<std::uint8_t>(0x80 | static_cast<unsigned>(opcode));
  const std::uint8_t mask_bit = mask ? 0x80 : 0;
  std::size_t size = 2;
  if (payload_length < 126) {
    out[1] = static_cast<std::uint8_t>(mask_bit | payload_length);
  } else if (payload_length <= 0xffff) {
    out[1] = mask_bit | 126;
    size += PutBigEndian(payload_length, 2, &out[2]);
  } else {
    out[1] = mask_bit | 127;
    size += PutBigEndian(payload_length, 8, &out[2]);
  }
  if (mask) {
    std::memcpy(&out[size], mask->data(), mask->size());
    size += mask->size();
  }
  return size;
}

void ApplyMask(std::span<std::uint8_t> payload, const MaskKey& mask, std::uint64_t offset) {
  // As wide as every processor's vectors: this touches each byte that clients send.
  using Wide = std::uint8_t __attribute__((vector_size(16)));
  Wide turned;
  for (std::size_t i = 0; i < sizeof(turned); ++i) turned[i] = mask[(offset + i) % 4];
  std::uint8_t* at = payload.data();
  std::size_t left = payload.size();
  for (; left >= 4 * sizeof(Wide); left -= 4 * sizeof(Wide), at += 4 * sizeof(Wide)) {
    std::array<Wide, 4> words;
    std::memcpy(&words, at, sizeof(words));
    for (Wide& word : words) word ^= turned;
    std::memcpy(at, &words, sizeof(words));
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= turned[i % sizeof(turned)];
}

}  // namespace jitwg::ws
