// How long things took, in fixed buckets: wait-free to count, so that the hot path may. Knows
// nothing of how it is shown.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace jitwg {

// Thread-safe. What is read while others count may lack some of them in one place and have them in
// another; a reader takes the sum of the buckets for the count.
class LatencyHistogram {
 public:
  // Upper bounds, each inside its bucket; one more bucket takes what is longer.
  static constexpr std::array<std::chrono::microseconds, 18> kBounds{
      std::chrono::microseconds(25),        std::chrono::microseconds(50),
      std::chrono::microseconds(100),       std::chrono::microseconds(250),
      std::chrono::microseconds(500),       std::chrono::microseconds(1'000),
      std::chrono::microseconds(2'500),     std::chrono::microseconds(5'000),
      std::chrono::microseconds(10'000),    std::chrono::microseconds(25'000),
      std::chrono::microseconds(50'000),    std::chrono::microseconds(100'000),
      std::chrono::microseconds(250'000),   std::chrono::microseconds(500'000),
      std::chrono::microseconds(1'000'000), std::chrono::microseconds(2'500'000),
      std::chrono::microseconds(5'000'000), std::chrono::microseconds(10'000'000)};
  static constexpr std::size_t kBuckets = kBounds.size() + 1;

  // Negative times, of a clock that was set back, count as none.
  void Observe(std::chrono::nanoseconds time) {
    if (time.count() < 0) time = {};
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && time > kBounds[bucket]) ++bucket;
    buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
    nanoseconds_.fetch_add(static_cast<std::uint64_t>(time.count()), std::memory_order_relaxed);
  }

  // How many in each bucket alone, not below it.
  std::array<std::uint64_t, kBuckets> Buckets() const {
    std::array<std::uint64_t, kBuckets> counts{};
    for (std::size_t i = 0; i < kBuckets; ++i) {
      counts[i] = buckets_[i].load(std::memory_order_relaxed);
    }
    return counts;
  }
  std::chrono::nanoseconds Sum() const {
    return std::chrono::nanoseconds(nanoseconds_.load(std::memory_order_relaxed));
  }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
  std::atomic<std::uint64_t> nanoseconds_{0};
};

}  // namespace jitwg
