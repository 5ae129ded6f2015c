// Tells the registry where this gateway saw which peer, now and then and in batches. Losing a
// report loses nothing else; nobody waits for one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "provisioner/backoff.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

struct SightingOptions {
  std::string gateway;  // empty: nothing is reported
  std::string version;
  std::chrono::milliseconds interval = std::chrono::seconds(10);         // 0: nothing is reported
  std::chrono::milliseconds longest_interval = std::chrono::minutes(5);  // while reports fail
  std::size_t max_batch = registry::kMaxSightings;
  std::size_t max_batches = 5;       // in one interval; what is left waits for the next
  std::size_t max_peers = 1U << 20;  // kept in mind; others are not reported
};

// Thread-safe; one thread runs it. Holds one small entry for each peer of ours that is installed.
class SightingReporter {
 public:
  // Clock and registry outlive it.
  SightingReporter(const Clock& clock, registry::Registry& registry, SightingOptions options);

  bool enabled() const { return !options_.gateway.empty() && options_.interval.count() > 0; }

  // What an interface holds. A peer whose handshake, endpoint or received bytes differ from the
  // list before is to be reported; one that a whole list lacks is forgotten.
  void NoteList(const std::string& interface, const PeerList& list);
  // An initiation; of a peer that is in, it says where it is now.
  void NoteEvent(const HandshakeEvent& event);

  // Reports what there is to report, and that the gateway is alive. An error: what was not taken is
  // reported the next time.
  Status ReportOnce();
  // ReportOnce every interval, and more rarely while it fails, until `stop`.
  void Run(const std::stop_token& stop);

 private:
  struct Entry {
    std::optional<Endpoint> endpoint;
    std::optional<WallTime> last_handshake;
    std::uint64_t rx_bytes = 0;
    std::uint64_t tx_bytes = 0;
    WallTime seen_at;
    bool is_waiting = false;  // to be reported
    std::uint64_t seen_in_list = 0;
  };
  using Entries = std::unordered_map<PeerId, Entry, PeerIdHash>;

  void Enqueue(const PeerId& id, Entry& entry, WallTime now);
  registry::GatewayReport TakeBatch();
  void PutBack(const registry::GatewayReport& report);

  const Clock& clock_;
  registry::Registry& registry_;
  const SightingOptions options_;
  std::mutex mutex_;
  Entries entries_;
  std::deque<PeerId> waiting_;  // the longest waiting first; may name peers that are gone
  std::uint64_t lists_ = 0;
};

}  // namespace jitwg::provisioner
