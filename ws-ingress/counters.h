// What the ingress counts, by reason: all that a stranger can make happen ends here and nowhere
// else.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/ws/fault.h"

namespace jitwg::ingress {

enum class Count : std::uint8_t {
  kAccepted,
  kRefusedTotalLimit,   // --max-connections
  kRefusedSourceLimit,  // --max-connections-per-source
  kAcceptFailed,        // no descriptor left, or the client was gone already
  kTlsFailed,
  kHandshakeTimeout,  // TLS or HTTP took too long
  kHttpRefused,       // by a status other than 101
  kGoneBeforeUpgrade,
  kUpgradedRecords,
  kUpgradedDatagrams,
  kClosedByPeer,  // with a close frame
  kClosedIdle,
  kClosedDraining,
  kGoneWithoutClose,  // reset, or ended in mid-frame
  kDatagramsIn,       // from clients
  kBytesIn,
  kDatagramsOut,  // to clients
  kBytesOut,
  kDroppedClientSlow,  // to a client that does not read
  kDroppedTooBig,      // from the gateway, longer than a record
  kDroppedNotSent,     // from a client; the kernel did not take it
  kSourceFailed,       // no UDP socket for the connection
};
inline constexpr int kCountCount = 22;

// "accepted", "refused_total_limit", ...
std::string_view ToString(Count count);

// Thread-safe.
class Counters {
 public:
  void Add(Count count, std::uint64_t more = 1) {
    counts_[static_cast<std::size_t>(count)].fetch_add(more, std::memory_order_relaxed);
  }
  void Add(ws::Fault fault) {
    faults_[static_cast<std::size_t>(fault)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t Get(Count count) const {
    return counts_[static_cast<std::size_t>(count)].load(std::memory_order_relaxed);
  }
  std::uint64_t Get(ws::Fault fault) const {
    return faults_[static_cast<std::size_t>(fault)].load(std::memory_order_relaxed);
  }
  // "accepted=7 datagrams_in=12 fault_reserved_bits=1": those that are not 0.
  std::string ToString() const;

 private:
  std::array<std::atomic<std::uint64_t>, kCountCount> counts_{};
  std::array<std::atomic<std::uint64_t>, ws::kFaultCount> faults_{};
};

}  // namespace jitwg::ingress
