#include "provisioner/peer_census.h"

#include <algorithm>

namespace jitwg::provisioner {

PeerCounts& PeerCounts::operator+=(const PeerCounts& other) {
  live += other.live;
  unfinished += other.unfinished;
  stale += other.stale;
  pinned += other.pinned;
  foreign += other.foreign;
  return *this;
}

PeerCounts CountPeers(const PeerList& list, const Observation& seen, SteadyTime now) {
  PeerCounts counts;
  counts.foreign = static_cast<std::size_t>(std::count_if(
      list.peers.begin(), list.peers.end(), [](const PeerState& peer) { return !peer.own; }));
  for (const EvictionCandidate& peer : seen.candidates) {
    if (peer.pinned) {
      ++counts.pinned;
    } else if (now - peer.last_activity > kSessionLife) {
      ++counts.stale;
    } else if (!peer.completed) {
      ++counts.unfinished;
    } else {
      ++counts.live;
    }
  }
  return counts;
}

void PeerCensus::Note(const std::string& interface, const PeerCounts& counts, WallTime now) {
  const std::lock_guard lock(mutex_);
  latest_.insert_or_assign(interface, Latest{counts, now});
  Sample sample{now, {}};
  for (const auto& [name, latest] : latest_) sample.counts += latest.counts;
  // A clock that was set back: what is later than now was not.
  while (!samples_.empty() && samples_.back().at >= now) samples_.pop_back();
  const std::size_t count = samples_.size();
  // The last place is filled anew until its time is over.
  if (count >= 2 && samples_[count - 1].at - samples_[count - 2].at < kBetweenSamples) {
    samples_.pop_back();
  }
  samples_.push_back(sample);
  if (samples_.size() > kMaxSamples) samples_.pop_front();
}

std::map<std::string, PeerCensus::Latest> PeerCensus::Now() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

std::vector<PeerCensus::Sample> PeerCensus::History() const {
  const std::lock_guard lock(mutex_);
  return {samples_.begin(), samples_.end()};
}

}  // namespace jitwg::provisioner
