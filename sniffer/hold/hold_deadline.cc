// See hold_deadline.h.
#include "sniffer/hold/hold_deadline.h"

namespace jitwg::sniffer {

void HoldDeadline::Note(std::uint32_t packet_id, SteadyTime now) {
  if (intervals_.empty() || now - intervals_.back().begin >= kInterval) {
    intervals_.push_back({now, packet_id});
  } else {
    intervals_.back().newest = packet_id;
  }
}

std::optional<std::uint32_t> HoldDeadline::TakeOverdue(SteadyTime now) {
  std::optional<std::uint32_t> overdue;
  // The interval's last packet may be younger than its begin by all of it.
  while (!intervals_.empty() && now - intervals_.front().begin >= hold_time_ + kInterval) {
    overdue = intervals_.front().newest;
    intervals_.pop_front();
  }
  return overdue;
}

std::optional<SteadyTime> HoldDeadline::Next() const {
  if (intervals_.empty()) return std::nullopt;
  return intervals_.front().begin + hold_time_ + kInterval;
}

}  // namespace jitwg::sniffer
