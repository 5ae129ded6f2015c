#include "provisioner/eviction.h"

#include <algorithm>
#include <optional>

namespace jitwg::provisioner {
namespace {

std::optional<EvictionReason> ByItself(const EvictionCandidate& peer, const EvictionLimits& limits,
                                       SteadyTime now) {
  if (peer.expired) return EvictionReason::kRevoked;
  if (peer.pinned) return std::nullopt;
  if (!peer.completed) {
    // Silent or not: its client may be between two tries, which is longer than a short idle limit.
    if (now - peer.installed_at > limits.unfinished) return EvictionReason::kUnfinished;
    return std::nullopt;
  }
  if (now - peer.last_activity > limits.idle) return EvictionReason::kIdle;
  return std::nullopt;
}

// How many are to go for want of places, the longest idle first.
std::size_t CountOverCap(const std::vector<const EvictionCandidate*>& longest_idle_first,
                         std::size_t staying, const EvictionLimits& limits, SteadyTime now,
                         const RoomWanted& wanted) {
  std::size_t count = 0;
  if (limits.max_peers != 0 && staying > limits.max_peers) count = staying - limits.max_peers;
  const std::size_t most = wanted.cap > wanted.room ? wanted.cap - wanted.room : 0;
  const std::size_t for_room = wanted.cap != 0 && staying > most ? staying - most : 0;
  const auto is_quiet = [&](const EvictionCandidate* peer) {
    return now - peer->last_activity >= limits.quiet;
  };
  count = std::min(count, longest_idle_first.size());
  while (count < std::min(for_room, longest_idle_first.size()) &&
         is_quiet(longest_idle_first[count])) {
    ++count;
  }
  return count;
}

}  // namespace

std::string_view ToString(EvictionReason reason) {
  switch (reason) {
    case EvictionReason::kIdle:
      return "idle";
    case EvictionReason::kUnfinished:
      return "unfinished";
    case EvictionReason::kOverCap:
      return "over_cap";
    case EvictionReason::kRevoked:
      return "revoked";
    case EvictionReason::kOperator:
      return "operator";
  }
  return "unknown";
}

std::vector<EvictionChoice> SelectEvictions(const std::vector<EvictionCandidate>& candidates,
                                            const EvictionLimits& limits, SteadyTime now,
                                            const RoomWanted& wanted) {
  std::vector<EvictionChoice> choices;
  std::vector<const EvictionCandidate*> movable;
  std::size_t staying = 0;
  for (const EvictionCandidate& peer : candidates) {
    if (!peer.own) continue;
    const auto reason = peer.known ? ByItself(peer, limits, now) : std::nullopt;
    if (reason) {
      choices.push_back({peer.public_key, *reason});
      continue;
    }
    ++staying;
    if (peer.known && !peer.pinned) movable.push_back(&peer);
  }
  const bool is_crowded = (limits.max_peers != 0 && staying > limits.max_peers) ||
                          (wanted.cap != 0 && staying + wanted.room > wanted.cap);
  if (!is_crowded) return choices;
  std::sort(movable.begin(), movable.end(),
            [](const EvictionCandidate* a, const EvictionCandidate* b) {
              return a->last_activity < b->last_activity;
            });
  const std::size_t count = CountOverCap(movable, staying, limits, now, wanted);
  for (std::size_t i = 0; i < count; ++i) {
    choices.push_back({movable[i]->public_key, EvictionReason::kOverCap});
  }
  return choices;
}

}  // namespace jitwg::provisioner
