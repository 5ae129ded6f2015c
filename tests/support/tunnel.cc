#include "tests/support/tunnel.h"

#include <sodium.h>

#include <algorithm>

namespace jitwg::test {
namespace {

using namespace steps;

constexpr std::size_t kTag = 16;
constexpr std::size_t kHeader = 16;

using Nonce = std::array<std::uint8_t, 12>;

bool HasType(Bytes packet, std::uint8_t type) {
  const std::array<std::uint8_t, 4> wanted = {type, 0, 0, 0};
  return packet.size() >= 4 && std::equal(wanted.begin(), wanted.end(), packet.begin());
}

std::array<std::uint8_t, 4> LittleEndian(std::uint32_t value) {
  std::array<std::uint8_t, 4> bytes;
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  return bytes;
}

// Eight bytes of a transport header as they are on the wire.
Nonce NonceOf(Bytes counter) {
  Nonce nonce{};
  std::copy(counter.begin(), counter.end(), nonce.begin() + 4);
  return nonce;
}

}  // namespace

bool Tunnel::TakeResponse(std::span<const std::uint8_t> packet) {
  if (packet.size() != kResponseSize || !HasType(packet, 2)) return false;
  const auto own_index = LittleEndian(initiator_.sender_index());
  if (!std::equal(own_index.begin(), own_index.end(), packet.begin() + 8)) return false;
  const PublicKey ephemeral = *PublicKey::FromBytes(packet.subspan(12, 32));
  Handshake handshake = initiator_.handshake_;
  handshake.MixHash(ephemeral.bytes);
  handshake.Kdf1(ephemeral.bytes);
  handshake.Kdf1(SharedSecret(initiator_.ephemeral_, ephemeral).bytes());
  handshake.Kdf1(SharedSecret(initiator_.static_private_, ephemeral).bytes());
  constexpr Hash32 kNoPresharedKey{};
  handshake.Kdf3(kNoPresharedKey);
  if (!handshake.Open(packet.subspan(44, kTag), {})) return false;
  handshake.Kdf2({});
  sending_ = handshake.ck;
  receiving_ = handshake.k;
  std::copy_n(packet.begin() + 4, 4, peer_index_.begin());
  counter_ = 0;
  established_ = true;
  return true;
}

std::vector<std::uint8_t> Tunnel::Seal(std::span<const std::uint8_t> plain) {
  std::vector<std::uint8_t> packet(kHeader + plain.size() + kTag);
  packet[0] = 4;
  std::copy(peer_index_.begin(), peer_index_.end(), packet.begin() + 4);
  for (std::size_t i = 0; i < 8; ++i) {
    packet[8 + i] = static_cast<std::uint8_t>(counter_ >> (8 * i));
  }
  ++counter_;
  const Nonce nonce = NonceOf(Bytes(packet).subspan(8, 8));
  crypto_aead_chacha20poly1305_ietf_encrypt(packet.data() + kHeader, nullptr, plain.data(),
                                            plain.size(), nullptr, 0, nullptr, nonce.data(),
                                            sending_.data());
  return packet;
}

std::optional<std::vector<std::uint8_t>> Tunnel::Open(std::span<const std::uint8_t> packet) const {
  if (packet.size() < kHeader + kTag || !HasType(packet, 4)) return std::nullopt;
  const auto own_index = LittleEndian(initiator_.sender_index());
  if (!std::equal(own_index.begin(), own_index.end(), packet.begin() + 4)) return std::nullopt;
  const Bytes sealed = packet.subspan(kHeader);
  std::vector<std::uint8_t> plain(sealed.size() - kTag);
  const Nonce nonce = NonceOf(packet.subspan(8, 8));
  const int opened = crypto_aead_chacha20poly1305_ietf_decrypt(
      plain.data(), nullptr, nullptr, sealed.data(), sealed.size(), nullptr, 0, nonce.data(),
      receiving_.data());
  if (opened != 0) return std::nullopt;
  return plain;
}

}  // namespace jitwg::test
