#include "provisioner/decision_history.h"

#include <algorithm>

namespace jitwg::provisioner {

void DecisionHistory::Add(const Decision& decision) {
  Decision kept = decision;
  if (kept.detail.size() > kMaxDetail) kept.detail.resize(kMaxDetail);
  kept.allowed_ips = {};  // the registry has them
  const std::lock_guard lock(mutex_);
  if (ring_.size() < capacity_) {
    ring_.push_back(std::move(kept));
  } else {
    ring_[next_] = std::move(kept);
  }
  next_ = (next_ + 1) % capacity_;
}

std::vector<Decision> DecisionHistory::Of(const PublicKey& key, std::size_t limit) const {
  std::vector<Decision> found;
  const std::lock_guard lock(mutex_);
  for (std::size_t back = 1; back <= ring_.size() && found.size() < limit; ++back) {
    const Decision& decision = ring_[(next_ + ring_.size() - back) % ring_.size()];
    if (decision.event.public_key == key) found.push_back(decision);
  }
  return found;
}

std::vector<Decision> DecisionHistory::Last(std::size_t limit) const {
  std::vector<Decision> found;
  const std::lock_guard lock(mutex_);
  for (std::size_t back = std::min(limit, ring_.size()); back > 0; --back) {
    found.push_back(ring_[(next_ + ring_.size() - back) % ring_.size()]);
  }
  return found;
}

}  // namespace jitwg::provisioner
