// Token buckets by name, in bounded memory: a flood of names shares one bucket instead of growing
// the table.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

#include "lib/base/clock.h"

namespace jitwg::api {

// Whose allowance a caller without a token uses up: an IPv4 address, or an IPv6 network of /64, of
// which anybody has as many addresses as there are. A text that is no address is its own.
std::string SourceNetwork(const std::string& address);

struct RateLimit {
  double per_second = 0;  // 0: no limit
  double burst = 0;
};

// Thread-safe.
class RateLimiter {
 public:
  static constexpr std::size_t kMaxBuckets = 4096;

  explicit RateLimiter(const Clock& clock) : clock_(clock) {}

  // Takes one from the bucket of this name; false: it is empty.
  bool Allow(const std::string& name, const RateLimit& limit);

  std::size_t size() const;

 private:
  struct Bucket {
    double tokens = 0;
    SteadyTime filled_at;
  };
  // Those that are full again say nothing.
  void ForgetFull(SteadyTime now, const RateLimit& limit);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  SteadyTime forgotten_at_;
};

}  // namespace jitwg::api
