// A clock that stands still until a test turns it.
#pragma once

#include <chrono>
#include <mutex>

#include "lib/base/clock.h"

namespace jitwg {

// Thread-safe. Begins at an arbitrary moment of 2026.
class ManualClock final : public Clock {
 public:
  SteadyTime SteadyNow() const override {
    const std::lock_guard lock(mutex_);
    return SteadyTime(since_start_ + std::chrono::hours(100));
  }
  WallTime WallNow() const override {
    const std::lock_guard lock(mutex_);
    return WallTime(std::chrono::seconds(1'780'000'000) + since_start_ + step_);
  }
  void Advance(std::chrono::nanoseconds by) {
    const std::lock_guard lock(mutex_);
    since_start_ += by;
  }
  // The wall clock alone is set anew.
  void StepWall(std::chrono::nanoseconds by) {
    const std::lock_guard lock(mutex_);
    step_ += by;
  }

 private:
  mutable std::mutex mutex_;
  std::chrono::nanoseconds since_start_{0};
  std::chrono::nanoseconds step_{0};
};

}  // namespace jitwg
