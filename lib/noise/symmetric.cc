#include "lib/noise/symmetric.h"

#include <sodium/crypto_aead_chacha20poly1305.h>

#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "lib/noise/kdf.h"

namespace jitwg::noise {
namespace {

constexpr std::string_view kConstruction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
constexpr std::string_view kIdentifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";

std::span<const std::uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The first chaining key is the same in every handshake of the world, so its HMAC blocks are
// compressed once.
const HmacBlake2s& InitialChainingKey() {
  static const HmacBlake2s key(Hash(BytesOf(kConstruction)));
  return key;
}

}  // namespace

Digest InitialHash(const PublicKey& responder) {
  const Digest identified = Hash(Hash(BytesOf(kConstruction)), BytesOf(kIdentifier));
  return Hash(identified, responder.bytes);
}

SymmetricState::SymmetricState(const Digest& initial_hash,
                               std::span<const std::uint8_t, 32> ephemeral)
    : hash_(Hash(initial_hash, ephemeral)), chaining_key_(Kdf1(InitialChainingKey(), ephemeral)) {}

void SymmetricState::MixHash(std::span<const std::uint8_t> data) { hash_ = Hash(hash_, data); }

SymmetricKey SymmetricState::MixKey(std::span<const std::uint8_t, 32> shared_secret) {
  KdfPair pair = Kdf2(HmacBlake2s(chaining_key_.bytes()), shared_secret);
  chaining_key_ = std::move(pair.first);
  return std::move(pair.second);
}

bool SymmetricState::DecryptAndHash(const SymmetricKey& key,
                                    std::span<const std::uint8_t> ciphertext,
                                    std::span<std::uint8_t> plaintext) {
  if (!Decrypt(key, ciphertext, plaintext)) return false;
  MixHash(ciphertext);
  return true;
}

bool SymmetricState::Decrypt(const SymmetricKey& key, std::span<const std::uint8_t> ciphertext,
                             std::span<std::uint8_t> plaintext) const {
  static_assert(crypto_aead_chacha20poly1305_IETF_ABYTES == kAuthTagSize);
  if (ciphertext.size() != plaintext.size() + kAuthTagSize) std::abort();
  constexpr std::array<std::uint8_t, crypto_aead_chacha20poly1305_IETF_NPUBBYTES> kNonce{};
  return crypto_aead_chacha20poly1305_ietf_decrypt(
             plaintext.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(), hash_.data(),
             hash_.size(), kNonce.data(), key.bytes().data()) == 0;
}

}  // namespace jitwg::noise
