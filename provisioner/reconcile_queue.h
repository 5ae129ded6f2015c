// What is to be reconciled: single keys at once, everything no oftener than the spacing says, and
// what failed after a delay. Bounded: too many keys become everything.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <unordered_set>

#include "lib/base/key.h"

namespace jitwg::provisioner {

struct ReconcileRequest {
  bool all = false;
  std::unordered_set<PublicKey, PublicKeyHash> keys;

  bool empty() const { return !all && keys.empty(); }
};

// Thread-safe.
class ReconcileQueue {
 public:
  static constexpr std::size_t kMaxKeys = 4096;

  ReconcileQueue(std::chrono::milliseconds full_spacing, std::chrono::milliseconds retry_delay)
      : full_spacing_(full_spacing), retry_delay_(retry_delay) {}

  void AddAll();
  void Add(const PublicKey& key);
  // Again after the delay.
  void Retry(ReconcileRequest failed);

  // Waits until something is due; empty when `stop` was requested.
  ReconcileRequest Take(const std::stop_token& stop);
  // All there is, due or not.
  ReconcileRequest TakeEverything();

 private:
  using Time = std::chrono::steady_clock::time_point;

  static void Merge(ReconcileRequest from, ReconcileRequest& into);
  static void Insert(const PublicKey& key, ReconcileRequest& request);
  void Changed();
  bool IsDue(Time now) const;

  const std::chrono::milliseconds full_spacing_;
  const std::chrono::milliseconds retry_delay_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  ReconcileRequest now_;
  ReconcileRequest later_;
  std::optional<Time> later_at_;
  Time next_full_;
  std::uint64_t changes_ = 0;
};

}  // namespace jitwg::provisioner
