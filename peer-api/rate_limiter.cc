#include "peer-api/rate_limiter.h"

#include <algorithm>
#include <chrono>

#include "lib/base/net.h"

namespace jitwg::api {
namespace {

double Seconds(SteadyTime::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// ::ffff:192.0.2.1, which is what a caller over IPv4 is to a socket of IPv6.
bool IsMapped(const IpAddress& address) {
  static const IpPrefix mapped = *IpPrefix::Parse("::ffff:0:0/96");
  return mapped.Contains(address);
}

}  // namespace

std::string SourceNetwork(const std::string& address) {
  const auto parsed = IpAddress::Parse(address);
  if (!parsed || parsed->is_v4() || IsMapped(*parsed)) return address;
  const auto network = IpPrefix::Make(*parsed, 64);
  return network ? network->ToString() : address;
}

bool RateLimiter::Allow(const std::string& name, const RateLimit& limit) {
  if (limit.per_second <= 0) return true;
  const SteadyTime now = clock_.SteadyNow();
  const std::lock_guard lock(mutex_);
  auto found = buckets_.find(name);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMaxBuckets) ForgetFull(now, limit);
    const bool room = buckets_.size() < kMaxBuckets;
    found =
        buckets_.try_emplace(room ? name : std::string("(others)"), Bucket{limit.burst, now}).first;
  }
  Bucket& bucket = found->second;
  bucket.tokens =
      std::min(limit.burst, bucket.tokens + Seconds(now - bucket.filled_at) * limit.per_second);
  bucket.filled_at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void RateLimiter::ForgetFull(SteadyTime now, const RateLimit& limit) {
  // Looking through the table for every stranger would be a gift to them.
  if (Seconds(now - forgotten_at_) < 1) return;
  forgotten_at_ = now;
  std::erase_if(buckets_, [&](const auto& entry) {
    const Bucket& bucket = entry.second;
    return bucket.tokens + Seconds(now - bucket.filled_at) * limit.per_second >= limit.burst;
  });
}

std::size_t RateLimiter::size() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace jitwg::api
