// Counters of what became of each captured packet, by a closed set of reasons, and how long its
// unwrapping took. Wait-free to count.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/histogram.h"

namespace jitwg::sniffer {

// In the order in which a packet meets them.
enum class InitiationResult : std::uint8_t {
  kMalformed,          // link, IP or UDP headers lie, or it is a fragment
  kOutgoing,           // sent by this machine, or to another machine's link address
  kOtherPort,          // no served interface listens there
  kBadLength,          // not 148 bytes
  kBadType,            // not an initiation
  kBadMac1,            // not for this interface's key
  kOwnCopy,            // given to the kernel again by this sniffer
  kDuplicate,          // the same bytes were seen a moment ago
  kRateLimitedSource,  // the source's token bucket is empty
  kRateLimitedGlobal,  // the token bucket of all sources is empty
  kQueueFull,          // the unwrapping threads were too slow
  kBadEphemeral,
  kBadStatic,
  kBadStaticDh,
  kBadTimestamp,   // the claimed key was not proved
  kOwnKey,         // the gateway's own key as initiator
  kSameStamp,      // the stamp accepted last came again
  kReplayed,       // an older stamp than the newest accepted
  kInstalled,      // authentic, from a peer that is installed already
  kAuthenticated,  // authentic, from somebody to decide about
};
inline constexpr std::size_t kInitiationResults =
    static_cast<std::size_t>(InitiationResult::kAuthenticated) + 1;

// Lower-case label, e.g. "bad_mac1".
std::string_view ToString(InitiationResult result);

// What a person wants to know first: "authentic", "refused" (somebody who could not prove a key, or
// proved it too late), "dropped" (for want of room) or "ignored" (nothing that asked for a peer).
std::string_view KindOf(InitiationResult result);

// Thread-safe.
class Statistics {
 public:
  void Count(InitiationResult result) {
    counts_[static_cast<std::size_t>(result)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t Get(InitiationResult result) const {
    return counts_[static_cast<std::size_t>(result)].load(std::memory_order_relaxed);
  }

  // Of what passed the cheap checks: the X25519 and the rest of the unwrapping.
  LatencyHistogram& unwrap_time() { return unwrap_time_; }
  const LatencyHistogram& unwrap_time() const { return unwrap_time_; }

 private:
  std::array<std::atomic<std::uint64_t>, kInitiationResults> counts_{};
  LatencyHistogram unwrap_time_;
};

}  // namespace jitwg::sniffer
