// Remembers until when the packets of a queue may be held, without an entry for each: packets of
// one short interval share one. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "lib/base/clock.h"

namespace jitwg::sniffer {

// One thread. Its memory is bounded by hold time / interval.
class HoldDeadline {
 public:
  static constexpr std::chrono::milliseconds kInterval{10};

  explicit HoldDeadline(std::chrono::milliseconds hold_time) : hold_time_(hold_time) {}

  // A packet came in; numbers and times only count up.
  void Note(std::uint32_t packet_id, SteadyTime now);

  // The newest packet whose time is over: it and all before it are to be let go. Tells each once,
  // at most kInterval late.
  std::optional<std::uint32_t> TakeOverdue(SteadyTime now);

  // When TakeOverdue has something to tell at the earliest; nullopt while nothing is noted.
  std::optional<SteadyTime> Next() const;

 private:
  struct Interval {
    SteadyTime begin;
    std::uint32_t newest;
  };
  const std::chrono::milliseconds hold_time_;
  std::deque<Interval> intervals_;
};

}  // namespace jitwg::sniffer
