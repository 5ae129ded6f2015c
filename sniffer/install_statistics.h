// What became of the peers that the installer was asked for, and how long it took. Wait-free to
// count.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "lib/base/histogram.h"
#include "sniffer/install/guard.h"

namespace jitwg::sniffer {

// Thread-safe.
class InstallStatistics {
 public:
  void Count(PeerOutcome outcome) {
    outcomes_[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t Get(PeerOutcome outcome) const {
    return outcomes_[static_cast<std::size_t>(outcome)].load(std::memory_order_relaxed);
  }

  // Guard, journal and kernel: of one call, whatever the number of peers in it.
  LatencyHistogram install_time;
  // From the capture of the initiation that asks for the peer until the peer is in.
  LatencyHistogram packet_to_installed;

 private:
  std::array<std::atomic<std::uint64_t>, kPeerOutcomeCount> outcomes_{};
};

}  // namespace jitwg::sniffer
