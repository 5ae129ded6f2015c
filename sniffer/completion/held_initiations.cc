#include "sniffer/completion/held_initiations.h"

namespace jitwg::sniffer {

HeldInitiations::HeldInitiations(HeldLimits limits) : limits_(limits) {}

void HeldInitiations::Add(std::uint64_t id, const std::string& interface, const PublicKey& key,
                          SteadyTime now, OriginalPacket packet) {
  // Declared before the lock: what they hold is let go after it.
  OriginalPacket superseded;
  OriginalPacket oldest;
  const std::lock_guard lock(mutex_);
  Owner owner{interface, key};
  if (const auto older = newest_.find(owner); older != newest_.end()) {
    // Two unwrapping threads may come the wrong way round.
    if (older->second > id) {
      superseded = std::move(packet);
      ++counts_.superseded;
      return;
    }
    superseded = Remove(entries_.find(older->second));
    ++counts_.superseded;
  }
  if (entries_.size() >= limits_.capacity) {
    oldest = Remove(entries_.begin());
    ++counts_.out_of_room;
  }
  newest_[owner] = id;
  entries_.emplace(id, Entry{std::move(owner), now, std::move(packet)});
}

std::optional<OriginalPacket> HeldInitiations::Take(std::uint64_t id, SteadyTime now) {
  OriginalPacket too_old;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  const bool in_time = now - found->second.since <= limits_.longest;
  OriginalPacket packet = Remove(found);
  if (in_time) return packet;
  ++counts_.expired;
  too_old = std::move(packet);
  return std::nullopt;
}

void HeldInitiations::Expire(SteadyTime now) {
  std::vector<OriginalPacket> expired;
  const std::lock_guard lock(mutex_);
  while (!entries_.empty() && now - entries_.begin()->second.since > limits_.longest) {
    expired.push_back(Remove(entries_.begin()));
    ++counts_.expired;
  }
}

HeldCounts HeldInitiations::counts() const {
  const std::lock_guard lock(mutex_);
  HeldCounts counts = counts_;
  counts.held = entries_.size();
  return counts;
}

OriginalPacket HeldInitiations::Remove(Entries::iterator entry) {
  OriginalPacket packet = std::move(entry->second.packet);
  newest_.erase(entry->second.owner);
  entries_.erase(entry);
  return packet;
}

}  // namespace jitwg::sniffer
