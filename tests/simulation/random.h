// The one source of chance of a schedule.
#pragma once

#include <chrono>
#include <cstdint>

namespace jitwg::simulation {

// splitmix64: the same numbers on every machine, unlike the standard library's distributions.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // 0..n-1.
  std::uint64_t Below(std::uint64_t n) { return Next() % n; }
  bool Chance(double probability) {
    return static_cast<double>(Next() >> 11) * 0x1p-53 < probability;
  }
  std::chrono::nanoseconds Between(std::chrono::nanoseconds from, std::chrono::nanoseconds to) {
    const auto width = static_cast<std::uint64_t>((to - from).count()) + 1;
    return from + std::chrono::nanoseconds(static_cast<std::int64_t>(Below(width)));
  }

 private:
  std::uint64_t state_;
};

}  // namespace jitwg::simulation
