// Faults on purpose, for the tests of whoever depends on this service: slowness, failures, silence,
// nonsense.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "peer-api/message.h"

namespace jitwg::api {

struct ChaosPlan {
  std::chrono::milliseconds delay{0};
  double fail = 0;     // shares of all calls, 0..1: answered with 503,
  double hang = 0;     // not answered for a minute,
  double garbage = 0;  // answered with 200 and nonsense
  std::uint64_t seed = 1;
};

// Items "delay=200ms", "fail=0.1", "hang=0.01", "garbage=0.05", "seed=7". kInvalidArgument.
Result<ChaosPlan> ParseChaos(const std::vector<std::string>& items);

// Thread-safe.
class Chaos {
 public:
  explicit Chaos(std::optional<ChaosPlan> plan);

  // Delays the caller; then the answer that replaces the true one, if any.
  std::optional<Response> Strike();
  // Ends all delays, now and later.
  void Stop();

 private:
  void Wait(std::chrono::milliseconds time);

  const std::optional<ChaosPlan> plan_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  std::mt19937_64 random_;
  bool stopped_ = false;
};

}  // namespace jitwg::api
