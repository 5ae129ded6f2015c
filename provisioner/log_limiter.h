// Keeps a line that a peer can cause at will from filling the log: each key once a minute, and only
// so many keys.
#pragma once

#include <chrono>
#include <mutex>
#include <unordered_map>

#include "lib/base/clock.h"
#include "lib/base/key.h"

namespace jitwg::provisioner {

// Thread-safe.
class LogLimiter {
 public:
  explicit LogLimiter(std::size_t max_keys = 1024,
                      std::chrono::seconds interval = std::chrono::seconds(60))
      : max_keys_(max_keys), interval_(interval) {}

  // True: write the line.
  bool Allow(const PublicKey& key, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (const auto last = last_.find(key); last != last_.end()) {
      if (now - last->second < interval_) return false;
      last->second = now;
      return true;
    }
    if (last_.size() >= max_keys_) {
      std::erase_if(last_, [&](const auto& item) { return now - item.second >= interval_; });
    }
    if (last_.size() >= max_keys_) return false;
    last_.emplace(key, now);
    return true;
  }

 private:
  const std::size_t max_keys_;
  const std::chrono::seconds interval_;
  std::mutex mutex_;
  std::unordered_map<PublicKey, SteadyTime, PublicKeyHash> last_;
};

}  // namespace jitwg::provisioner
