// The symmetric half of Noise_IKpsk2 up to the end of the first message (WireGuard paper 5.4.2;
// Noise specification 5.2): the transcript hash H and the chaining key CK. Knows no message layout.
#pragma once

#include <cstdint>
#include <span>

#include "lib/base/key.h"
#include "lib/base/secret.h"
#include "lib/noise/blake2s.h"

namespace jitwg::noise {

inline constexpr std::size_t kAuthTagSize = 16;
using SymmetricKey = Secret<32>;

// H after the construction, the identifier and the responder's static public key: the same for
// every handshake with it.
Digest InitialHash(const PublicKey& responder);

// One handshake's H and CK. One thread; wiped when it dies.
class SymmetricState {
 public:
  // The state after the token e: H = HASH(initial_hash || e), CK = KDF1(HASH(construction), e).
  SymmetricState(const Digest& initial_hash, std::span<const std::uint8_t, 32> ephemeral);

  // H = HASH(H || data).
  void MixHash(std::span<const std::uint8_t> data);

  // (CK, k) = KDF2(CK, shared_secret); returns k.
  SymmetricKey MixKey(std::span<const std::uint8_t, 32> shared_secret);

  // Opens ChaCha20-Poly1305 (RFC 8439, nonce 0, associated data H) into `plaintext`, which is
  // kAuthTagSize shorter than `ciphertext`, then MixHash(ciphertext). False, with H unchanged, when
  // the tag is wrong.
  [[nodiscard]] bool DecryptAndHash(const SymmetricKey& key,
                                    std::span<const std::uint8_t> ciphertext,
                                    std::span<std::uint8_t> plaintext);

  // The same for the last ciphertext of a message whose H is not needed any more.
  [[nodiscard]] bool Decrypt(const SymmetricKey& key, std::span<const std::uint8_t> ciphertext,
                             std::span<std::uint8_t> plaintext) const;

 private:
  Digest hash_;
  Secret<kHashSize> chaining_key_;
};

}  // namespace jitwg::noise
