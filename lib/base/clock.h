// Time as an argument: everything that needs "now" gets a Clock, so that tests can turn it.
#pragma once

#include <chrono>

namespace jitwg {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic; for intervals.
  virtual SteadyTime SteadyNow() const = 0;
  // Civil time; may step. For expiry dates and what people read.
  virtual WallTime WallNow() const = 0;
};

class SystemClock final : public Clock {
 public:
  SteadyTime SteadyNow() const override { return std::chrono::steady_clock::now(); }
  WallTime WallNow() const override { return std::chrono::system_clock::now(); }
};

}  // namespace jitwg
