#include "provisioner/eviction.h"

#include <algorithm>
#include <optional>

namespace jitwg::provisioner {
namespace {

std::optional<EvictionReason> ByItself(const EvictionCandidate& peer, const EvictionLimits& limits,
                                       SteadyTime now) {
  if (peer.expired) return EvictionReason::kRevoked;
  if (peer.pinned) return std::nullopt;
  if (!peer.completed && now - peer.installed_at > limits.unfinished) {
    return EvictionReason::kUnfinished;
  }
  if (now - peer.last_activity > limits.idle) return EvictionReason::kIdle;
  return std::nullopt;
}

void TakeLongestIdle(std::vector<const EvictionCandidate*>& movable, std::size_t count,
                     std::vector<EvictionChoice>& choices) {
  count = std::min(count, movable.size());
  const auto middle = movable.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(movable.begin(), middle, movable.end(),
                    [](const EvictionCandidate* a, const EvictionCandidate* b) {
                      return a->last_activity < b->last_activity;
                    });
  for (auto it = movable.begin(); it != middle; ++it) {
    choices.push_back({(*it)->public_key, EvictionReason::kOverCap});
  }
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
  }
  return "unknown";
}

std::vector<EvictionChoice> SelectEvictions(const std::vector<EvictionCandidate>& candidates,
                                            const EvictionLimits& limits, SteadyTime now) {
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
  if (limits.max_peers != 0 && staying > limits.max_peers) {
    TakeLongestIdle(movable, staying - limits.max_peers, choices);
  }
  return choices;
}

}  // namespace jitwg::provisioner
