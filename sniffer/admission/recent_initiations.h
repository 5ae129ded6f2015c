// Has this very packet just been here? Keeps copies made by the capture (loopback, VLAN and its
// parent) and bursts of a replayed packet away from the crypto. Only fingerprints are kept, in
// memory of a fixed size.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/clock.h"

namespace jitwg::sniffer {

struct RecentInitiationsOptions {
  std::size_t capacity = 16384;  // packets; rounded up to a power of two, at least 8
  std::chrono::milliseconds window{3000};
};

// One thread, or the caller's lock.
class RecentInitiations {
 public:
  explicit RecentInitiations(const RecentInitiationsOptions& options = {});

  // True when the same packet was remembered less than the window ago. Otherwise remembers it, for
  // the oldest packet of its set if need be. A repetition does not prolong the time: an endless
  // replay gets through once per window, and is then the freshness table's business. mac2 does not
  // count, for a client may repeat a packet with a cookie. To be called with initiations whose mac1
  // is right, else garbage pushes the others out.
  bool SeenJustNow(std::span<const std::uint8_t> packet, SteadyTime now);

  std::size_t memory_bytes() const { return entries_.capacity() * sizeof(Entry) + sizeof(*this); }

 private:
  // A set of this many places is searched; 128 bytes, two cache lines.
  static constexpr std::size_t kWays = 8;
  struct Entry {
    std::uint64_t fingerprint = 0;
    std::int64_t seen_ns = kNever;
  };
  static constexpr std::int64_t kNever = INT64_MIN;

  bool IsCurrent(const Entry& entry, std::int64_t now_ns) const;

  const std::int64_t window_ns_;
  std::vector<Entry> entries_;
};

}  // namespace jitwg::sniffer
