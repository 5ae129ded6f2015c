// HMAC-BLAKE2s (RFC 2104) and the key derivation of the WireGuard paper, section 5.4: what a
// chaining key and an input turn into. Outputs are secrets.
#pragma once

#include <cstdint>
#include <span>

#include "lib/base/secret.h"
#include "lib/noise/blake2s.h"

namespace jitwg::noise {

// HMAC under one key, with the key's two blocks compressed once. Immutable, so any number of
// threads may use it; wiped when it dies.
class HmacBlake2s {
 public:
  explicit HmacBlake2s(std::span<const std::uint8_t, kHashSize> key);

  // `input` is not empty.
  Secret<kHashSize> Mac(std::span<const std::uint8_t> input) const;

 private:
  Blake2s inner_;
  Blake2s outer_;
};

// KDF1: T1 = HMAC(HMAC(chaining key, input), 1).
Secret<kHashSize> Kdf1(const HmacBlake2s& chaining_key, std::span<const std::uint8_t> input);

struct KdfPair {
  Secret<kHashSize> first;
  Secret<kHashSize> second;
};

// KDF2: T1 as above and T2 = HMAC(HMAC(chaining key, input), T1 || 2).
KdfPair Kdf2(const HmacBlake2s& chaining_key, std::span<const std::uint8_t> input);

}  // namespace jitwg::noise
