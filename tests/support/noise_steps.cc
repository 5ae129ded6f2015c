#include "tests/support/noise_steps.h"

#include <blake2.h>
#include <sodium.h>

#include <algorithm>

namespace jitwg::test::steps {
namespace {

constexpr std::array<std::uint8_t, 12> kNonceZero{};

}  // namespace

Bytes Text(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Hash32 HashOf(std::initializer_list<Bytes> parts) {
  blake2s_state state;
  blake2s_init(&state, 32);
  for (const Bytes part : parts) blake2s_update(&state, part.data(), part.size());
  Hash32 digest;
  blake2s_final(&state, digest.data(), digest.size());
  return digest;
}

// RFC 2104, spelled out.
Hash32 Hmac(Bytes key, std::initializer_list<Bytes> parts) {
  std::array<std::uint8_t, 64> inner{};
  std::copy(key.begin(), key.end(), inner.begin());
  std::array<std::uint8_t, 64> outer = inner;
  for (auto& byte : inner) byte ^= 0x36;
  for (auto& byte : outer) byte ^= 0x5c;
  std::array<std::uint8_t, 96> message{};
  std::size_t length = 0;
  for (const Bytes part : parts) {
    std::copy(part.begin(), part.end(), message.begin() + static_cast<std::ptrdiff_t>(length));
    length += part.size();
  }
  const Hash32 digest = HashOf({inner, std::span(message).first(length)});
  return HashOf({outer, digest});
}

void WriteMac1(std::span<std::uint8_t> packet, std::size_t length, const PublicKey& responder) {
  const Hash32 key = HashOf({Text("mac1----"), responder.bytes});
  blake2s(packet.data() + length, packet.data(), key.data(), 16, length, key.size());
}

Secret<32> SharedSecret(const PrivateKey& ours, const PublicKey& theirs) {
  Secret<32> shared;
  if (crypto_scalarmult_curve25519(shared.mutable_bytes().data(), ours.bytes().data(),
                                   theirs.bytes.data()) != 0) {
    shared.Wipe();
  }
  return shared;
}

Handshake::Handshake()
    : ck(HashOf({Text("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")})),
      h(HashOf({ck, Text("WireGuard v1 zx2c4 Jason@zx2c4.com")})) {}

void Handshake::MixHash(Bytes data) { h = HashOf({h, data}); }

void Handshake::Kdf1(Bytes input) {
  const Hash32 t0 = Hmac(ck, {input});
  ck = Hmac(t0, {Text("\x01")});
}

void Handshake::Kdf2(Bytes input) {
  const Hash32 t0 = Hmac(ck, {input});
  ck = Hmac(t0, {Text("\x01")});
  k = Hmac(t0, {ck, Text("\x02")});
}

void Handshake::Kdf3(Bytes input) {
  const Hash32 t0 = Hmac(ck, {input});
  ck = Hmac(t0, {Text("\x01")});
  const Hash32 middle = Hmac(t0, {ck, Text("\x02")});
  k = Hmac(t0, {middle, Text("\x03")});
  MixHash(middle);
}

void Handshake::Seal(std::span<std::uint8_t> out, Bytes plain) {
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(),
                                            h.data(), h.size(), nullptr, kNonceZero.data(),
                                            k.data());
  MixHash(out);
}

bool Handshake::Open(Bytes sealed, std::span<std::uint8_t> plain) {
  const int opened = crypto_aead_chacha20poly1305_ietf_decrypt(
      plain.data(), nullptr, nullptr, sealed.data(), sealed.size(), h.data(), h.size(),
      kNonceZero.data(), k.data());
  MixHash(sealed);
  return opened == 0;
}

}  // namespace jitwg::test::steps
