// How long to wait before the next try: doubling, with jitter so that many gateways do not come
// back in step. Pure but for its random numbers.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace jitwg::provisioner {

// Not thread-safe.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds last, std::uint32_t seed)
      : first_(first), last_(last), next_(first), random_(seed) {}

  // Between half and the whole of first, 2 first, 4 first, ... last.
  std::chrono::milliseconds Next() {
    const auto whole = next_;
    next_ = std::min(last_, next_ * 2);
    std::uniform_int_distribution<std::int64_t> within(whole.count() / 2, whole.count());
    return std::chrono::milliseconds(within(random_));
  }
  void Reset() { next_ = first_; }

 private:
  const std::chrono::milliseconds first_;
  const std::chrono::milliseconds last_;
  std::chrono::milliseconds next_;
  std::minstd_rand random_;
};

}  // namespace jitwg::provisioner
