// From a packet that this gateway sent into a WireGuard interface to a demand for its peer: whose
// address nobody installed has, not asked a moment ago, within the rate. Everything else is a
// counter; memory is fixed.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "sniffer/admission/recent_initiations.h"
#include "sniffer/admission/token_bucket.h"
#include "sniffer/install/peer_manager.h"
#include "sniffer/outbound/demand.h"
#include "sniffer/outbound/demand_table.h"

namespace jitwg::sniffer {

// In the order in which a packet meets them.
enum class OutboundResult : std::uint8_t {
  kNoAddress,    // no IP header, or nobody's own address
  kRepeated,     // the destination was looked at a moment ago
  kCovered,      // it is a peer's, own or foreign
  kRateLimited,  // too many destinations ask
  kAsked,        // a demand
};
inline constexpr std::size_t kOutboundResults = 5;

// Lower-case label, e.g. "covered".
std::string_view ToString(OutboundResult result);

struct OutboundOptions {
  TokenRate rate{100, 100};  // demands of all interfaces together
  // A destination is looked at once in so long. Less than the second after which ping and the first
  // retransmission of TCP come.
  std::chrono::milliseconds window{500};
  std::size_t destinations = 16384;  // remembered for that, of each interface
};

class OutboundWatch {
 public:
  // The references outlive it.
  OutboundWatch(const Clock& clock, DemandTable& demands, DemandSink& sink,
                const OutboundOptions& options);

  // Before any thread runs. `peers` outlives the watch. Returns the interface's number.
  std::size_t AddInterface(const std::string& name, const PeerManager& peers);

  // A packet's bytes from its IP header on. One thread for each interface.
  void OnPacket(std::size_t interface, std::span<const std::uint8_t> packet, WallTime seen_at);

  std::uint64_t Get(OutboundResult result) const {
    return counts_[static_cast<std::size_t>(result)].load(std::memory_order_relaxed);
  }
  // Of all interfaces.
  std::size_t remembered_endpoints() const;

 private:
  struct Interface {
    std::string name;
    const PeerManager& peers;
    RecentInitiations lately;  // destinations, in the place of packets; of its thread alone
  };

  OutboundResult Look(Interface& interface, std::span<const std::uint8_t> packet, WallTime seen_at);
  bool TakeToken(SteadyTime now);

  const Clock& clock_;
  DemandTable& demands_;
  DemandSink& sink_;
  const OutboundOptions options_;
  std::vector<std::unique_ptr<Interface>> interfaces_;
  std::mutex mutex_;
  TokenBucket bucket_;  // guarded by mutex_
  std::array<std::atomic<std::uint64_t>, kOutboundResults> counts_{};
};

}  // namespace jitwg::sniffer
