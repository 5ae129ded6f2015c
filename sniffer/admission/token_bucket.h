// One token bucket: so many at once, so many a second. Pure; the caller tells the time.
#pragma once

#include <chrono>
#include <cstdint>

#include "lib/base/clock.h"

namespace jitwg::sniffer {

struct TokenRate {
  double per_second = 0;
  double burst = 0;
};

// Of a SteadyTime, the bucket's unit.
inline std::int64_t Nanoseconds(SteadyTime time) {
  return std::chrono::nanoseconds(time.time_since_epoch()).count();
}

struct TokenBucket {
  std::int64_t refilled_ns = 0;
  double tokens = 0;

  // A clock that went back refills nothing, and counts from where it is now.
  void Refill(const TokenRate& rate, std::int64_t now_ns);
  bool Take();
};

}  // namespace jitwg::sniffer
