#include "tests/support/initiator.h"

#include <blake2.h>
#include <sodium.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace jitwg::test {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Hash32 = std::array<std::uint8_t, 32>;

constexpr std::size_t kMac1Offset = 116;

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

// H and CK of the paper, step by step as its section 5.4.2 writes them for the initiator.
struct Handshake {
  Hash32 ck = HashOf({Text("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")});
  Hash32 h = HashOf({ck, Text("WireGuard v1 zx2c4 Jason@zx2c4.com")});
  Hash32 k{};

  void MixHash(Bytes data) { h = HashOf({h, data}); }
  void Kdf1(Bytes input) {
    const Hash32 t0 = Hmac(ck, {input});
    ck = Hmac(t0, {Text("\x01")});
  }
  void Kdf2(Bytes input) {
    const Hash32 t0 = Hmac(ck, {input});
    ck = Hmac(t0, {Text("\x01")});
    k = Hmac(t0, {ck, Text("\x02")});
  }
  void Seal(std::span<std::uint8_t> out, Bytes plain) {
    const std::array<std::uint8_t, 12> nonce{};
    crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(),
                                              h.data(), h.size(), nullptr, nonce.data(), k.data());
    MixHash(out);
  }
};

struct Contents {
  PublicKey ephemeral;
  Bytes ephemeral_static;
  PublicKey claimed;
  Bytes static_static;
  Tai64n timestamp;
  std::uint32_t sender_index;
};

InitiationPacket Build(const Contents& contents, const PublicKey& responder) {
  InitiationPacket packet{};
  const std::span<std::uint8_t> out(packet);
  packet[0] = 1;
  for (std::size_t i = 0; i < 4; ++i) {
    packet[4 + i] = static_cast<std::uint8_t>(contents.sender_index >> (8 * i));
  }
  std::copy(contents.ephemeral.bytes.begin(), contents.ephemeral.bytes.end(), packet.begin() + 8);
  Handshake handshake;
  handshake.MixHash(responder.bytes);
  handshake.MixHash(contents.ephemeral.bytes);
  handshake.Kdf1(contents.ephemeral.bytes);
  handshake.Kdf2(contents.ephemeral_static);
  handshake.Seal(out.subspan(40, 48), contents.claimed.bytes);
  handshake.Kdf2(contents.static_static);
  handshake.Seal(out.subspan(88, 28), contents.timestamp.bytes);
  RecomputeMac1(packet, responder);
  return packet;
}

constexpr std::array<std::uint8_t, 32> kAllZero{};

Secret<32> SharedSecret(const PrivateKey& ours, const PublicKey& theirs) {
  Secret<32> shared;
  // A point of small order leaves it all zero, which is what a test wants then.
  if (crypto_scalarmult_curve25519(shared.mutable_bytes().data(), ours.bytes().data(),
                                   theirs.bytes.data()) != 0) {
    shared.Wipe();
  }
  return shared;
}

void FillFromSeed(std::span<std::uint8_t> out, std::uint64_t seed, std::string_view purpose) {
  const Hash32 key =
      HashOf({Text(purpose), {reinterpret_cast<const std::uint8_t*>(&seed), sizeof(seed)}});
  randombytes_buf_deterministic(out.data(), out.size(), key.data());
}

}  // namespace

PrivateKey KeyFromSeed(std::uint64_t seed) {
  PrivateKey key;
  const auto bytes = key.mutable_bytes();
  FillFromSeed(bytes, seed, "private key");
  bytes[0] &= 248;
  bytes[31] = static_cast<std::uint8_t>((bytes[31] & 127) | 64);
  return key;
}

Initiator::Initiator(std::uint64_t seed, const PublicKey& responder)
    : Initiator(KeyFromSeed(seed), responder, seed) {}

Initiator::Initiator(const PrivateKey& static_private, const PublicKey& responder,
                     std::uint64_t seed)
    : static_private_(static_private.Clone()),
      public_key_(DerivePublicKey(static_private)),
      responder_(responder),
      static_static_(SharedSecret(static_private, responder)),
      seed_(seed) {}

std::uint64_t Initiator::NextSeed() {
  std::uint64_t next[2] = {seed_, ++count_};
  FillFromSeed({reinterpret_cast<std::uint8_t*>(next), sizeof(next)}, seed_ ^ count_ << 32,
               "initiation");
  sender_index_ = static_cast<std::uint32_t>(next[1]);
  return next[0];
}

InitiationPacket Initiator::Initiate(const Tai64n& timestamp) {
  const PrivateKey ephemeral = KeyFromSeed(NextSeed());
  const Secret<32> es = SharedSecret(ephemeral, responder_);
  return Build({DerivePublicKey(ephemeral), es.bytes(), public_key_, static_static_.bytes(),
                timestamp, sender_index_},
               responder_);
}

InitiationPacket Initiator::Forge(const PublicKey& claimed, const Tai64n& timestamp) {
  const PrivateKey ephemeral = KeyFromSeed(NextSeed());
  const Secret<32> es = SharedSecret(ephemeral, responder_);
  return Build(
      {DerivePublicKey(ephemeral), es.bytes(), claimed, kAllZero, timestamp, sender_index_},
      responder_);
}

InitiationPacket Initiator::InitiateFromPoint(const PublicKey& point, const Tai64n& timestamp) {
  NextSeed();
  return Build({point, kAllZero, public_key_, static_static_.bytes(), timestamp, sender_index_},
               responder_);
}

void RecomputeMac1(InitiationPacket& packet, const PublicKey& responder) {
  const Hash32 key = HashOf({Text("mac1----"), responder.bytes});
  blake2s(packet.data() + kMac1Offset, packet.data(), key.data(), 16, kMac1Offset, key.size());
}

InitiationPacket GarbageInitiation(std::uint64_t seed) {
  InitiationPacket packet;
  FillFromSeed(packet, seed, "garbage");
  packet[0] = 1;
  packet[1] = packet[2] = packet[3] = 0;
  return packet;
}

}  // namespace jitwg::test
