// The sniffer's parts put together in the order in which they need one another, and taken down in
// reverse. No domain logic.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/metrics/metrics_server.h"
#include "lib/rpc/server.h"
#include "sniffer/capture/packet_source.h"
#include "sniffer/completion/completions.h"
#include "sniffer/completion/held_initiations.h"
#include "sniffer/completion/initiation_table.h"
#include "sniffer/completion/own_copies.h"
#include "sniffer/events_service.h"
#include "sniffer/follower.h"
#include "sniffer/install/link_monitor.h"
#include "sniffer/install/peer_manager.h"
#include "sniffer/install/wireguard_device.h"
#include "sniffer/installer_service.h"
#include "sniffer/interface_table.h"
#include "sniffer/options.h"
#include "sniffer/outbound/demand_table.h"
#include "sniffer/outbound/outbound_watch.h"
#include "sniffer/pipeline.h"
#include "sniffer/state_dir.h"
#include "sniffer/statistics.h"

namespace jitwg::sniffer {

class Daemon {
 public:
  // Opens everything and starts every thread; serves when it returns. Each error is one line for
  // the operator.
  static Result<std::unique_ptr<Daemon>> Start(SnifferOptions options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

 private:
  explicit Daemon(const SnifferOptions& options);
  Status OpenInterfaces(const SnifferOptions& options);
  Status ChooseCompletion(const SnifferOptions& options);
  Status OpenSources(const SnifferOptions& options);
  Status OpenHold(const SnifferOptions& options);
  Status Serve(const SnifferOptions& options);
  Status OpenTaps(const SnifferOptions& options);
  void StartTaps();
  void FillOutbound(v1::OutboundStatus& status) const;
  void FollowLinks(const std::stop_token& stop);
  void ExpireHeld(const std::stop_token& stop);
  void StartThreads(const SnifferOptions& options);
  PacketSourceStats SumOfSources() const;
  Status ServeMetrics(const SnifferOptions& options);
  void CollectMetrics(metrics::Exposition& out) const;
  void CollectInitiations(metrics::Exposition& out) const;
  void CollectCompletion(metrics::Exposition& out) const;
  void CollectInstalls(metrics::Exposition& out) const;
  void CollectOutbound(metrics::Exposition& out) const;

  // In the order of construction; destroyed in reverse.
  std::optional<StateDir> state_dir_;  // goes last: until then its names are ours
  SystemClock clock_;
  Statistics statistics_;
  InitiationTable initiations_;
  HeldInitiations held_;
  OwnCopies own_copies_;
  std::optional<Completions> completions_;
  std::vector<std::unique_ptr<WireGuardDevice>> devices_;
  std::vector<std::unique_ptr<PeerManager>> peers_;
  InterfaceTable interfaces_;
  std::vector<std::unique_ptr<PacketSource>> sources_;
  std::vector<std::unique_ptr<PacketSource>> taps_;  // with --outbound, one of each interface
  DemandTable demands_;
  std::unique_ptr<EventsService> events_;
  std::unique_ptr<OutboundWatch> outbound_;
  std::unique_ptr<InstallerService> installer_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<LinkMonitor> link_monitor_;
  std::vector<std::jthread> threads_;
  std::unique_ptr<metrics::MetricsServer> metrics_;  // goes first: it reads all above
};

}  // namespace jitwg::sniffer
