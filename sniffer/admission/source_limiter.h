// Token buckets in front of the crypto: one per source (/32 of IPv4, /64 of IPv6) and one for all.
// What a flood can cost is bounded in work and in memory, and one source's flood takes nothing from
// another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/net.h"
#include "lib/base/result.h"
#include "sniffer/admission/token_bucket.h"
#include "sniffer/admission/verdict.h"

namespace jitwg::sniffer {

struct SourceLimiterOptions {
  TokenRate per_source{100, 300};
  TokenRate global{20'000, 20'000};
  std::size_t capacity = 16384;  // sources; rounded up to a power of two, at least 8
};

// kInvalidArgument: a rate that is not above 0, a burst below 1, a capacity above 2^24.
Status Validate(const SourceLimiterOptions& options);

// One thread, or the caller's lock.
class SourceLimiter {
 public:
  // `options` must be valid.
  explicit SourceLimiter(const SourceLimiterOptions& options = {}, SteadyTime start = {});

  // kAdmitted, kSourceLimited or kGlobalLimited. What the source's bucket refuses does not touch
  // the global one. What the global one refuses still costs the source its token, so that no source
  // asks it more often than its own rate. A clock that went back refills nothing.
  AdmissionVerdict Admit(const IpAddress& source, SteadyTime now);

  std::size_t memory_bytes() const { return entries_.capacity() * sizeof(Entry) + sizeof(*this); }

 private:
  static constexpr std::size_t kWays = 8;
  struct Entry {
    std::uint64_t network = 0;  // 32 or 64 bits of the source's address
    std::uint8_t family = 0;    // 4, 6, or 0 for a place that is free
    TokenBucket bucket;
  };

  TokenBucket& BucketOf(const IpAddress& source, std::int64_t now_ns);

  const SourceLimiterOptions options_;
  TokenBucket global_;
  std::vector<Entry> entries_;
};

}  // namespace jitwg::sniffer
