// The last few thousand decisions, for people who ask why. Fixed memory, whatever strangers do.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "provisioner/decision.h"

namespace jitwg::provisioner {

// Thread-safe.
class DecisionHistory {
 public:
  static constexpr std::size_t kDefaultCapacity = 4096;
  static constexpr std::size_t kMaxDetail = 200;  // bytes kept of a detail

  explicit DecisionHistory(std::size_t capacity = kDefaultCapacity) : capacity_(capacity) {}

  void Add(const Decision& decision);

  // Newest first, at most `limit`.
  std::vector<Decision> Of(const PublicKey& key, std::size_t limit) const;
  // Oldest first: the last `limit` of all.
  std::vector<Decision> Last(std::size_t limit) const;

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<Decision> ring_;
  std::size_t next_ = 0;  // where the next one goes; the oldest when the ring is full
};

}  // namespace jitwg::provisioner
