// The responder's half of the handshake initiation (WireGuard paper 5.4.2; kernel
// drivers/net/wireguard/noise.c): from 148 hostile bytes to a proven identity. Pure: no clock, I/O,
// threads or log.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

#include "lib/base/key.h"
#include "lib/base/tai64n.h"
#include "lib/noise/messages.h"

namespace jitwg::noise {

// Why an initiation was refused; each is a metric label. Cheap before dear: in this order.
enum class HandshakeError : std::uint8_t {
  kBadLength,     // not 148 bytes
  kBadType,       // the little-endian type word is not 1 (reserved bytes included)
  kBadMac1,       // not addressed to this key
  kBadEphemeral,  // DH(S_priv_r, e) is all zero
  kBadStatic,     // the AEAD of the static key does not open
  kBadStaticDh,   // DH(S_priv_r, s) is all zero
  kBadTimestamp,  // the AEAD of the time stamp does not open: the claimed key was not proved
};

// Lower-case label, e.g. "bad_mac1".
std::string_view ToString(HandshakeError error);

// What the caller has proved. mac2, sender index and UDP source are not covered by the proof.
struct Initiation {
  PublicKey initiator;
  Tai64n timestamp;
  std::uint32_t sender_index = 0;
};

// One WireGuard interface's key with all that can be computed once: public key, HASH(H || S_pub_r)
// and the keyed BLAKE2s midstate of mac1. Immutable, so any number of threads may use it. Wiped
// when it dies.
class Responder {
 public:
  explicit Responder(const PrivateKey& private_key);
  ~Responder();
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;

  const PublicKey& public_key() const;

  // Length, type word and mac1 only: about a third of a microsecond. nullopt-like success is an
  // empty expected.
  tl::expected<void, HandshakeError> CheckMac1(std::span<const std::uint8_t> packet) const;

  // The claimed static key, after one DH. Forgeable by anyone who knows this gateway's public key:
  // for benchmarks and diagnosis only. Does not check mac1.
  tl::expected<PublicKey, HandshakeError> OpenStaticUnauthenticated(
      std::span<const std::uint8_t> packet) const;

  // All of it, mac1 included; returns only what was proved.
  tl::expected<Initiation, HandshakeError> ConsumeInitiation(
      std::span<const std::uint8_t> packet) const;

  // The same without mac1, for a caller that has just called CheckMac1 on these very bytes.
  tl::expected<Initiation, HandshakeError> ConsumeCheckedInitiation(
      std::span<const std::uint8_t, kInitiationSize> packet) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jitwg::noise
