#include "lib/noise/initiation.h"

#include <sodium/core.h>
#include <sodium/crypto_scalarmult_curve25519.h>
#include <sodium/utils.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>

#include "lib/base/sodium.h"
#include "lib/noise/blake2s.h"
#include "lib/noise/symmetric.h"

namespace jitwg::noise {
namespace {

constexpr std::string_view kLabelMac1 = "mac1----";
constexpr std::size_t kMac1Offset = offsetof(MessageHandshakeInitiation, mac1);
constexpr std::size_t kMacSize = sizeof(MessageHandshakeInitiation::mac1);

using Packet = std::span<const std::uint8_t, kInitiationSize>;

// Everything of mac1 that does not depend on the message: BLAKE2s-128 with its key block
// compressed.
Blake2s Mac1State(const PublicKey& responder) {
  const Digest key =
      Hash({reinterpret_cast<const std::uint8_t*>(kLabelMac1.data()), kLabelMac1.size()},
           responder.bytes);
  Blake2s state(kMacSize, key);
  state.CompressFullBlock();
  return state;
}

// X25519; false when the result is all zero (a point of small order), which proves nothing about
// the sender.
bool DiffieHellman(const PrivateKey& ours, std::span<const std::uint8_t, kKeySize> theirs,
                   Secret<kKeySize>& shared) {
  return crypto_scalarmult_curve25519(shared.mutable_bytes().data(), ours.bytes().data(),
                                      theirs.data()) == 0 &&
         !shared.IsZero();
}

std::uint32_t LittleEndian32(std::span<const std::uint8_t, 4> bytes) {
  return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
         static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

MessageHandshakeInitiation Parse(Packet packet) {
  MessageHandshakeInitiation message;
  std::memcpy(&message, packet.data(), sizeof(message));
  return message;
}

tl::expected<void, HandshakeError> CheckShape(std::span<const std::uint8_t> packet) {
  if (packet.size() != kInitiationSize) return tl::unexpected(HandshakeError::kBadLength);
  if (LittleEndian32(packet.first<4>()) != kMessageHandshakeInitiation) {
    return tl::unexpected(HandshakeError::kBadType);
  }
  return {};
}

}  // namespace

// Lives in memory that is locked, left out of core dumps, fenced by guard pages and wiped when
// freed. Where the limit on locked memory is reached it is merely not locked.
struct Responder::State {
  explicit State(const PrivateKey& key)
      : private_key(key.Clone()),
        public_key(DerivePublicKey(key)),
        initial_hash(InitialHash(public_key)),
        mac1(Mac1State(public_key)) {}

  static void* operator new(std::size_t size) {
    void* const memory = sodium_malloc(size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  static void operator delete(void* memory) { sodium_free(memory); }

  // The paper's es and s: returns the claimed static key and leaves `symmetric` behind it.
  tl::expected<PublicKey, HandshakeError> OpenStatic(const MessageHandshakeInitiation& message,
                                                     SymmetricState& symmetric) const;

  const PrivateKey private_key;
  const PublicKey public_key;
  const Digest initial_hash;
  const Blake2s mac1;
};

tl::expected<PublicKey, HandshakeError> Responder::State::OpenStatic(
    const MessageHandshakeInitiation& message, SymmetricState& symmetric) const {
  Secret<kKeySize> es;
  if (!DiffieHellman(private_key, message.unencrypted_ephemeral, es)) {
    return tl::unexpected(HandshakeError::kBadEphemeral);
  }
  const SymmetricKey key = symmetric.MixKey(es.bytes());
  PublicKey claimed;
  if (!symmetric.DecryptAndHash(key, message.encrypted_static, claimed.bytes)) {
    return tl::unexpected(HandshakeError::kBadStatic);
  }
  return claimed;
}

std::string_view ToString(HandshakeError error) {
  switch (error) {
    case HandshakeError::kBadLength:
      return "bad_length";
    case HandshakeError::kBadType:
      return "bad_type";
    case HandshakeError::kBadMac1:
      return "bad_mac1";
    case HandshakeError::kBadEphemeral:
      return "bad_ephemeral";
    case HandshakeError::kBadStatic:
      return "bad_static";
    case HandshakeError::kBadStaticDh:
      return "bad_static_dh";
    case HandshakeError::kBadTimestamp:
      return "bad_timestamp";
  }
  return "unknown";
}

Responder::Responder(const PrivateKey& private_key) {
  InitSodium();
  state_ = std::make_unique<State>(private_key);
}
Responder::~Responder() = default;
Responder::Responder(Responder&&) noexcept = default;
Responder& Responder::operator=(Responder&&) noexcept = default;

const PublicKey& Responder::public_key() const { return state_->public_key; }

tl::expected<void, HandshakeError> Responder::CheckMac1(
    std::span<const std::uint8_t> packet) const {
  if (const auto shape = CheckShape(packet); !shape) return shape;
  Blake2s hash = state_->mac1;
  hash.Update(packet.first(kMac1Offset));
  std::array<std::uint8_t, kMacSize> expected;
  hash.Final(expected);
  if (sodium_memcmp(expected.data(), packet.data() + kMac1Offset, kMacSize) != 0) {
    return tl::unexpected(HandshakeError::kBadMac1);
  }
  return {};
}

tl::expected<PublicKey, HandshakeError> Responder::OpenStaticUnauthenticated(
    std::span<const std::uint8_t> packet) const {
  if (const auto shape = CheckShape(packet); !shape) return tl::unexpected(shape.error());
  const auto message = Parse(packet.first<kInitiationSize>());
  SymmetricState symmetric(state_->initial_hash, message.unencrypted_ephemeral);
  return state_->OpenStatic(message, symmetric);
}

tl::expected<Initiation, HandshakeError> Responder::ConsumeInitiation(
    std::span<const std::uint8_t> packet) const {
  if (const auto addressed = CheckMac1(packet); !addressed) {
    return tl::unexpected(addressed.error());
  }
  return ConsumeCheckedInitiation(packet.first<kInitiationSize>());
}

tl::expected<Initiation, HandshakeError> Responder::ConsumeCheckedInitiation(
    std::span<const std::uint8_t, kInitiationSize> packet) const {
  const auto message = Parse(packet);
  SymmetricState symmetric(state_->initial_hash, message.unencrypted_ephemeral);
  const auto claimed = state_->OpenStatic(message, symmetric);
  if (!claimed) return tl::unexpected(claimed.error());
  Secret<kKeySize> ss;
  if (!DiffieHellman(state_->private_key, claimed->bytes, ss)) {
    return tl::unexpected(HandshakeError::kBadStaticDh);
  }
  const SymmetricKey key = symmetric.MixKey(ss.bytes());
  Initiation initiation{*claimed, {}, LittleEndian32(message.sender_index)};
  if (!symmetric.Decrypt(key, message.encrypted_timestamp, initiation.timestamp.bytes)) {
    return tl::unexpected(HandshakeError::kBadTimestamp);
  }
  return initiation;
}

}  // namespace jitwg::noise
