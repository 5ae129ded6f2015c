// The provisioner put together: listens to the sniffer, and owns what decides, evicts and
// reconciles, with their threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "provisioner/coordinator.h"
#include "provisioner/decisions.h"
#include "provisioner/evictor.h"
#include "provisioner/interface_table.h"
#include "provisioner/operator.h"
#include "provisioner/outbound_desk.h"
#include "provisioner/peer_book.h"
#include "provisioner/peer_census.h"
#include "provisioner/peer_remover.h"
#include "provisioner/reconciler.h"
#include "provisioner/replay_memory.h"
#include "provisioner/sighting_reporter.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

struct ProvisionerOptions {
  CoordinatorOptions coordinator;
  EvictionLimits eviction;
  std::chrono::milliseconds evict_interval = std::chrono::seconds(10);
  ReconcilerOptions reconciler;  // identity and lookup_timeout are taken from `coordinator`
  SightingOptions sightings;
};

struct LinkStatus {
  bool connected = false;
  std::string problem;  // the last error; empty when the link is well
  std::uint64_t reconnects = 0;
  std::uint64_t events_dropped = 0;
};

class Provisioner final : private SnifferListener {
 public:
  // Link, registry and replay memory outlive the provisioner. `cache` is the registry, if it is a
  // cached one.
  Provisioner(const Clock& clock, SnifferLink& link, registry::Registry& registry,
              ReplayMemory& replay, const ProvisionerOptions& options,
              CachedRegistry* cache = nullptr);
  // Stop().
  ~Provisioner() override;

  void Start();
  // Ends all threads; look-ups and installs under way are waited for.
  void Stop();

  LinkStatus link_status() const;
  const Coordinator& coordinator() const { return coordinator_; }
  DecisionHub& decisions() { return decisions_; }
  Operator& operations() { return operations_; }
  const OutboundDesk& outbound() const { return outbound_; }
  const InterfaceTable& interfaces() const { return interfaces_; }
  const PeerCensus& census() const { return census_; }

 private:
  void OnConnected(std::uint64_t instance) override;
  void OnEvents(const std::vector<HandshakeEvent>& events) override;
  void OnDemand(const OutboundDemand& demand) override;
  void OnDropped(std::uint64_t count) override;
  void OnDisconnected(const Error& why) override;
  void OnRegistryChange(const registry::Change& change);

  SnifferLink& link_;
  registry::Registry& registry_;
  const std::chrono::milliseconds evict_period_;
  DecisionHub decisions_;
  PeerBook book_;
  PeerCensus census_;
  InterfaceTable interfaces_;
  PeerRemover remover_;
  Reconciler reconciler_;
  Evictor evictor_;
  OutboundDesk outbound_;
  Coordinator coordinator_;
  Operator operations_;
  SightingReporter reporter_;
  mutable std::mutex mutex_;
  LinkStatus status_;
  std::optional<std::uint64_t> instance_;
  std::jthread watching_;
  std::jthread evicting_;
  std::jthread reconciling_;
  std::jthread reporting_;
  std::jthread outbound_looking_;
};

}  // namespace jitwg::provisioner
