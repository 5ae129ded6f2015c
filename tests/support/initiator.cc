#include "tests/support/initiator.h"

#include <sodium.h>

#include <algorithm>
#include <string_view>

namespace jitwg::test {
namespace {

using namespace steps;

constexpr std::size_t kMac1Offset = 116;

struct Contents {
  PublicKey ephemeral;
  Bytes ephemeral_static;
  PublicKey claimed;
  Bytes static_static;
  Tai64n timestamp;
  std::uint32_t sender_index;
};

InitiationPacket Build(const Contents& contents, const PublicKey& responder, Handshake& handshake) {
  InitiationPacket packet{};
  const std::span<std::uint8_t> out(packet);
  packet[0] = 1;
  for (std::size_t i = 0; i < 4; ++i) {
    packet[4 + i] = static_cast<std::uint8_t>(contents.sender_index >> (8 * i));
  }
  std::copy(contents.ephemeral.bytes.begin(), contents.ephemeral.bytes.end(), packet.begin() + 8);
  handshake = {};
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
  ephemeral_ = ephemeral.Clone();
  return Build({DerivePublicKey(ephemeral), es.bytes(), public_key_, static_static_.bytes(),
                timestamp, sender_index_},
               responder_, handshake_);
}

InitiationPacket Initiator::Forge(const PublicKey& claimed, const Tai64n& timestamp) {
  const PrivateKey ephemeral = KeyFromSeed(NextSeed());
  const Secret<32> es = SharedSecret(ephemeral, responder_);
  return Build(
      {DerivePublicKey(ephemeral), es.bytes(), claimed, kAllZero, timestamp, sender_index_},
      responder_, handshake_);
}

InitiationPacket Initiator::InitiateFromPoint(const PublicKey& point, const Tai64n& timestamp) {
  NextSeed();
  return Build({point, kAllZero, public_key_, static_static_.bytes(), timestamp, sender_index_},
               responder_, handshake_);
}

void RecomputeMac1(InitiationPacket& packet, const PublicKey& responder) {
  WriteMac1(packet, kMac1Offset, responder);
}

InitiationPacket GarbageInitiation(std::uint64_t seed) {
  InitiationPacket packet;
  FillFromSeed(packet, seed, "garbage");
  packet[0] = 1;
  packet[1] = packet[2] = packet[3] = 0;
  return packet;
}

}  // namespace jitwg::test
