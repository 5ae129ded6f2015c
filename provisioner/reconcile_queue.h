// What is to be reconciled: single keys at once, everything no oftener than the spacing says, and
// what failed after a delay. Bounded: too many keys become everything.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <unordered_set>

#include "lib/base/clock.h"
#include "lib/base/key.h"

namespace jitwg::provisioner {

struct ReconcileRequest {
  bool all = false;
  std::unordered_set<PublicKey, PublicKeyHash> keys;

  bool empty() const { return !all && keys.empty(); }
};

// Thread-safe; one thread waits for keys and one for passes over everything, so that a pass, which
// may take minutes, holds up no key.
class ReconcileQueue {
 public:
  static constexpr std::size_t kMaxKeys = 4096;
  // A pass that fails again and again is tried ever more rarely, down to one in so many delays.
  static constexpr int kMaxDelays = 32;

  ReconcileQueue(std::chrono::milliseconds full_spacing, std::chrono::milliseconds retry_delay)
      : full_spacing_(full_spacing), retry_delay_(retry_delay), pass_delay_(retry_delay) {}

  void AddAll();
  void Add(const PublicKey& key);
  // Again: keys after the delay, everything after one that doubles from failure to failure.
  void Retry(ReconcileRequest failed);
  // A pass over everything went well: the next failure's delay is the first again.
  void PassSucceeded();

  // Returns when keys are due, at `until`, or when `stop` is requested.
  void WaitForKeys(SteadyTime until, const std::stop_token& stop);
  // Those that are due.
  ReconcileRequest TakeKeys();
  // Waits until everything is due, and takes that; false: `stop` was requested.
  bool TakePass(const std::stop_token& stop);
  // All there is, due or not.
  ReconcileRequest TakeEverything();

 private:
  static void Merge(const ReconcileRequest& from, ReconcileRequest& into);
  static void Insert(const PublicKey& key, ReconcileRequest& request);
  void Changed();
  bool KeysAreDue(SteadyTime now) const;
  // When everything is due; nullopt: not requested.
  std::optional<SteadyTime> PassDueAt() const;

  const std::chrono::milliseconds full_spacing_;
  const std::chrono::milliseconds retry_delay_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  ReconcileRequest now_;
  ReconcileRequest later_keys_;
  SteadyTime later_keys_at_;
  std::optional<SteadyTime> later_pass_at_;
  SteadyTime next_full_;
  std::chrono::milliseconds pass_delay_;
  std::uint64_t changes_ = 0;
};

}  // namespace jitwg::provisioner
