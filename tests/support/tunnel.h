// A client's end of a whole WireGuard tunnel in memory: handshake as initiator, transport data both
// ways. For tests and load generators: no timers, no rekeying, no replay window, no roaming. Not
// for production.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lib/base/tai64n.h"
#include "tests/support/initiator.h"

namespace jitwg::test {

inline constexpr std::size_t kResponseSize = 92;
inline constexpr std::size_t kTransportOverhead = 32;  // header and tag

// One thread. Without a preshared key.
class Tunnel {
 public:
  // As Initiator's.
  Tunnel(std::uint64_t seed, const PublicKey& responder) : initiator_(seed, responder) {}

  const PublicKey& public_key() const { return initiator_.public_key(); }
  bool established() const { return established_; }

  InitiationPacket Initiate(const Tai64n& timestamp) { return initiator_.Initiate(timestamp); }
  // The answer to the newest initiation: the tunnel is then established. False: it is none, or was
  // not made by the responder.
  [[nodiscard]] bool TakeResponse(std::span<const std::uint8_t> packet);

  // Transport data around `plain`, whose size is a multiple of 16 or the tunnel's MTU; empty for a
  // keepalive.
  std::vector<std::uint8_t> Seal(std::span<const std::uint8_t> plain);
  // What is in the other side's transport data; nullopt when it is none or not for this session.
  std::optional<std::vector<std::uint8_t>> Open(std::span<const std::uint8_t> packet) const;

 private:
  Initiator initiator_;
  bool established_ = false;
  std::array<std::uint8_t, 4> peer_index_{};
  steps::Hash32 sending_{};
  steps::Hash32 receiving_{};
  std::uint64_t counter_ = 0;
};

}  // namespace jitwg::test
