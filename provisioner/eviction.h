// Which installed peers are to go, and why. Pure: from what is known of each peer, the limits and
// the time.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"

namespace jitwg::provisioner {

// A session is over so long after its last handshake (REJECT_AFTER_TIME; WireGuard paper, 6.1).
inline constexpr std::chrono::seconds kSessionLife{180};

enum class EvictionReason { kIdle, kUnfinished, kOverCap, kRevoked, kOperator };
inline constexpr std::size_t kEvictionReasons = 5;

// "idle", "unfinished", "over_cap", "revoked", "operator".
std::string_view ToString(EvictionReason reason);

struct EvictionLimits {
  std::chrono::milliseconds idle = std::chrono::seconds(300);
  std::chrono::milliseconds unfinished = std::chrono::seconds(15);
  std::size_t max_peers = 0;  // own peers of one interface; 0 = no cap
  // Nobody who was active within this time goes to make room for newcomers: a full gateway whose
  // peers are all alive refuses newcomers rather than putting out one living peer for the next.
  std::chrono::milliseconds quiet = std::chrono::seconds(30);
};

// Places that an interface is to have free for newcomers.
struct RoomWanted {
  std::size_t cap = 0;   // own peers that the sniffer admits; 0 = no cap
  std::size_t room = 0;  // so many fewer are to stay
};

struct EvictionCandidate {
  PublicKey public_key;
  bool own = false;
  // The registry's word on this peer is known. Without it a peer might be pinned: it stays.
  bool known = false;
  bool pinned = false;
  bool expired = false;    // may not connect any more
  bool completed = false;  // has had a handshake
  SteadyTime installed_at;
  SteadyTime last_activity;  // newest of installation, handshake, and growth of the received bytes
};

struct EvictionChoice {
  PublicKey public_key;
  EvictionReason reason;
  auto operator<=>(const EvictionChoice&) const = default;
};

// The first rule that holds: not own, or not known: stays. Expired: revoked, pinned or not. Pinned:
// stays. No handshake yet: unfinished when it is longer than `unfinished` since installation, else
// stays. No activity for longer than `idle`: idle. When more than `max_peers` own peers remain, the
// longest idle go: over_cap. When then fewer than `wanted.room` places are free below `wanted.cap`,
// those quiet longest go: over_cap. Order: as given, then those over the cap.
std::vector<EvictionChoice> SelectEvictions(const std::vector<EvictionCandidate>& candidates,
                                            const EvictionLimits& limits, SteadyTime now,
                                            const RoomWanted& wanted = {});

}  // namespace jitwg::provisioner
