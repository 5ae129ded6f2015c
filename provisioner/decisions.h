// What was decided and evicted: counted, and told to those who watch. The counters' names are a
// closed set; nothing here grows with what strangers send.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/fan_out.h"
#include "provisioner/decision_history.h"
#include "provisioner/eviction.h"
#include "provisioner/policy.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

struct EvictionNotice {
  WallTime evicted_at;
  PeerId peer;
  EvictionReason reason = EvictionReason::kIdle;
};

struct DecisionsBeat {};

using DecisionMessage = std::variant<DecisionsBeat, Decision, EvictionNotice>;
using DecisionFan = FanOut<DecisionMessage>;

// Thread-safe.
class DecisionHub {
 public:
  explicit DecisionHub(FanOutLimits limits = {.queue_capacity = 1024, .max_watchers = 8})
      : fan_(limits) {}

  void Publish(Decision decision);
  void Publish(EvictionNotice notice);

  // Every verdict and every reason, also those that did not happen yet.
  std::map<std::string, std::uint64_t> Decisions() const;
  std::map<std::string, std::uint64_t> Evictions() const;
  std::uint64_t Count(Verdict verdict) const {
    return decisions_[static_cast<std::size_t>(verdict)].load();
  }
  std::uint64_t Count(EvictionReason reason) const {
    return evictions_[static_cast<std::size_t>(reason)].load();
  }

  DecisionFan& fan() { return fan_; }
  // The last ones, whether somebody watched or not.
  const DecisionHistory& history() const { return history_; }

 private:
  std::array<std::atomic<std::uint64_t>, kVerdicts> decisions_{};
  std::array<std::atomic<std::uint64_t>, kEvictionReasons> evictions_{};
  DecisionFan fan_;
  DecisionHistory history_;
};

}  // namespace jitwg::provisioner
