// The initiator's half of the handshake initiation, for tests, fuzzers and load generators: valid
// packets and precisely broken ones. Shares no code with lib/noise (BLAKE2s comes from libb2), so
// that a common mistake cannot hide. Not for production.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/key.h"
#include "lib/base/tai64n.h"
#include "tests/support/noise_steps.h"

namespace jitwg::test {

inline constexpr std::size_t kInitiationPacketSize = 148;
using InitiationPacket = std::array<std::uint8_t, kInitiationPacketSize>;

// A clamped private key that follows from `seed`.
PrivateKey KeyFromSeed(std::uint64_t seed);

// A client with one static key and one responder. What it sends follows from the constructor's
// arguments and the calls made. One thread.
class Initiator {
 public:
  // The static key is KeyFromSeed(seed).
  Initiator(std::uint64_t seed, const PublicKey& responder);
  // `seed` drives the ephemeral keys and sender indices.
  Initiator(const PrivateKey& static_private, const PublicKey& responder, std::uint64_t seed);

  const PublicKey& public_key() const { return public_key_; }
  // Of the packet made last; changes with each.
  std::uint32_t sender_index() const { return sender_index_; }

  // A valid initiation with a fresh ephemeral key and sender index; mac2 is zero.
  InitiationPacket Initiate(const Tai64n& timestamp);

  // What anyone who knows the responder's public key can make: mac1 is valid and the static key
  // opens as `claimed`, but the time stamp is sealed with an all-zero static-static secret. A
  // responder that forgot to refuse an all-zero secret would accept it when `claimed` is a point of
  // small order.
  InitiationPacket Forge(const PublicKey& claimed, const Tai64n& timestamp);

  // Valid but for the ephemeral: the bytes of `point` with an all-zero ephemeral-static secret.
  // With a point of small order it would pass a responder that forgot to refuse that.
  InitiationPacket InitiateFromPoint(const PublicKey& point, const Tai64n& timestamp);

 private:
  friend class Tunnel;
  std::uint64_t NextSeed();

  PrivateKey static_private_;
  PublicKey public_key_;
  PublicKey responder_;
  Secret<32> static_static_;
  std::uint64_t seed_;
  std::uint64_t count_ = 0;
  std::uint32_t sender_index_ = 0;
  // Of the packet made last: what the answer goes on from.
  PrivateKey ephemeral_;
  steps::Handshake handshake_;
};

// Makes mac1 right again after the first 116 bytes were changed.
void RecomputeMac1(InitiationPacket& packet, const PublicKey& responder);

// Type 1, right length, all else random from `seed`: what a flood of garbage looks like. mac1 is
// wrong for any key.
InitiationPacket GarbageInitiation(std::uint64_t seed);

}  // namespace jitwg::test
