// A clock that stands still until a test turns it.
#pragma once

#include <chrono>
#include <mutex>

#include "lib/base/clock.h"

namespace jitwg::provisioner {

class FakeClock final : public Clock {
 public:
  SteadyTime SteadyNow() const override {
    const std::lock_guard lock(mutex_);
    return SteadyTime(std::chrono::hours(100)) + passed_;
  }
  WallTime WallNow() const override {
    const std::lock_guard lock(mutex_);
    return WallTime(std::chrono::hours(480000)) + passed_ + step_;
  }
  void Advance(std::chrono::nanoseconds time) {
    const std::lock_guard lock(mutex_);
    passed_ += time;
  }
  // The wall clock alone is set anew.
  void StepWall(std::chrono::nanoseconds step) {
    const std::lock_guard lock(mutex_);
    step_ += step;
  }

 private:
  mutable std::mutex mutex_;
  std::chrono::nanoseconds passed_{0};
  std::chrono::nanoseconds step_{0};
};

}  // namespace jitwg::provisioner
