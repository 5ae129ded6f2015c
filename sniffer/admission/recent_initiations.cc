#include "sniffer/admission/recent_initiations.h"

#include <algorithm>
#include <bit>

#include "lib/base/key.h"

namespace jitwg::sniffer {
namespace {

// Everything but mac2. mac1 covers all before it, but the seeded hash of the whole costs little and
// trusts nobody.
constexpr std::size_t kFingerprinted = 132;

}  // namespace

RecentInitiations::RecentInitiations(const RecentInitiationsOptions& options)
    : window_ns_(std::chrono::nanoseconds(options.window).count()),
      entries_(std::bit_ceil(std::max(options.capacity, kWays))) {}

bool RecentInitiations::IsCurrent(const Entry& entry, std::int64_t now_ns) const {
  // A stamp ahead of now means that the clock was set back: worth nothing.
  return entry.seen_ns != kNever && entry.seen_ns <= now_ns && now_ns - entry.seen_ns < window_ns_;
}

bool RecentInitiations::SeenJustNow(std::span<const std::uint8_t> packet, SteadyTime now) {
  const std::int64_t now_ns = std::chrono::nanoseconds(now.time_since_epoch()).count();
  const std::uint64_t fingerprint =
      SeededHash(packet.first(std::min(packet.size(), kFingerprinted)));
  const std::size_t sets = entries_.size() / kWays;
  const std::span<Entry> set = std::span(entries_).subspan(fingerprint % sets * kWays, kWays);
  Entry* victim = &set.front();
  for (Entry& entry : set) {
    const bool current = IsCurrent(entry, now_ns);
    if (current && entry.fingerprint == fingerprint) return true;
    if (!current) entry.seen_ns = kNever;
    if (entry.seen_ns < victim->seen_ns) victim = &entry;
  }
  *victim = Entry{fingerprint, now_ns};
  return false;
}

}  // namespace jitwg::sniffer
