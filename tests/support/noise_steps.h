// The steps of Noise_IKpsk2 as WireGuard's paper writes them (section 5.4), for the initiators of
// tests and load generators. Shares no code with lib/noise (BLAKE2s comes from libb2), so that a
// common mistake cannot hide. Not for production.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "lib/base/key.h"

namespace jitwg::test::steps {

using Bytes = std::span<const std::uint8_t>;
using Hash32 = std::array<std::uint8_t, 32>;

Bytes Text(std::string_view text);
Hash32 HashOf(std::initializer_list<Bytes> parts);
// HMAC-BLAKE2s; the parts have 96 bytes at most together.
Hash32 Hmac(Bytes key, std::initializer_list<Bytes> parts);

// What is sent with mac1 over the first `length` bytes, 16 bytes behind them.
void WriteMac1(std::span<std::uint8_t> packet, std::size_t length, const PublicKey& responder);

// A point of small order leaves it all zero, which is what a test wants then.
Secret<32> SharedSecret(const PrivateKey& ours, const PublicKey& theirs);

// H and CK, from the construction on; k is the key that the last Kdf2 or Kdf3 made.
struct Handshake {
  Handshake();
  void MixHash(Bytes data);
  void Kdf1(Bytes input);
  void Kdf2(Bytes input);
  // Mixes its middle output into H (the preshared key's step).
  void Kdf3(Bytes input);
  // ChaCha20-Poly1305 with H, and the ciphertext into H.
  void Seal(std::span<std::uint8_t> out, Bytes plain);
  [[nodiscard]] bool Open(Bytes sealed, std::span<std::uint8_t> plain);

  Hash32 ck;
  Hash32 h;
  Hash32 k{};
};

}  // namespace jitwg::test::steps
