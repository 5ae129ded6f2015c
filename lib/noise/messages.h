// The layout of WireGuard's handshake initiation on the wire (WireGuard paper 5.4.2; kernel
// messages.h). No logic.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jitwg::noise {

inline constexpr std::uint32_t kMessageHandshakeInitiation = 1;

// Byte for byte what is sent; every member is unaligned.
struct MessageHandshakeInitiation {
  std::uint8_t type[4];  // little-endian 1: the type byte and three reserved zero bytes
  std::uint8_t sender_index[4];
  std::uint8_t unencrypted_ephemeral[32];
  std::uint8_t encrypted_static[32 + 16];
  std::uint8_t encrypted_timestamp[12 + 16];
  std::uint8_t mac1[16];
  std::uint8_t mac2[16];
};

inline constexpr std::size_t kInitiationSize = 148;
static_assert(sizeof(MessageHandshakeInitiation) == kInitiationSize);
static_assert(alignof(MessageHandshakeInitiation) == 1);
static_assert(offsetof(MessageHandshakeInitiation, sender_index) == 4);
static_assert(offsetof(MessageHandshakeInitiation, unencrypted_ephemeral) == 8);
static_assert(offsetof(MessageHandshakeInitiation, encrypted_static) == 40);
static_assert(offsetof(MessageHandshakeInitiation, encrypted_timestamp) == 88);
static_assert(offsetof(MessageHandshakeInitiation, mac1) == 116);
static_assert(offsetof(MessageHandshakeInitiation, mac2) == 132);

}  // namespace jitwg::noise
