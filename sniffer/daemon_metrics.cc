// What the sniffer's parts have counted, under the names that docs/metrics.md explains. Counts
// nothing itself.
#include <string>

#include "sniffer/daemon.h"

namespace jitwg::sniffer {

Status Daemon::ServeMetrics(const SnifferOptions& options) {
  auto started = metrics::MetricsServer::Start(
      options.metrics, {.metrics = [this](metrics::Exposition& out) { CollectMetrics(out); }});
  if (!started) return started.error();
  metrics_ = std::move(*started);
  return {};
}

void Daemon::CollectMetrics(metrics::Exposition& out) const {
  metrics::AddProcess(out, "sniffer");
  CollectInitiations(out);
  CollectInstalls(out);
  CollectCompletion(out);
  if (outbound_) CollectOutbound(out);
}

void Daemon::CollectInitiations(metrics::Exposition& out) const {
  for (std::size_t i = 0; i < kInitiationResults; ++i) {
    const auto result = static_cast<InitiationResult>(i);
    out.Counter("jitwg_sniffer_initiations_total", "Captured packets by what became of them.",
                {{"result", KindOf(result)}, {"reason", ToString(result)}},
                statistics_.Get(result));
  }
  out.Histogram("jitwg_sniffer_unwrap_seconds",
                "Time to decrypt and authenticate one initiation, good or bad.", {},
                statistics_.unwrap_time());
  out.Gauge("jitwg_sniffer_unwrap_queue_length", "Initiations that wait to be unwrapped.", {},
            static_cast<double>(pipeline_->waiting()));
  out.Gauge("jitwg_sniffer_unwrap_queue_capacity",
            "How many may wait; beyond, the oldest is dropped.", {},
            static_cast<double>(pipeline_->capacity()));
  const PacketSourceStats source = SumOfSources();
  out.Counter("jitwg_sniffer_captured_packets_total", "Packets that passed the capture's filter.",
              {}, source.received);
  const char* const dropped = "jitwg_sniffer_capture_dropped_total";
  const char* const dropped_help = "Packets lost before the sniffer saw them.";
  out.Counter(dropped, dropped_help, {{"by", "ring"}}, source.dropped_by_kernel);
  out.Counter(dropped, dropped_help, {{"by", "interface"}}, source.dropped_by_interface);
  out.Counter("jitwg_sniffer_capture_reopened_total",
              "Times a captured interface came back after it was lost.", {}, source.reopened);
  out.Gauge("jitwg_sniffer_event_watchers", "Provisioners and people that watch the events.", {},
            static_cast<double>(events_->watchers()));
  out.Counter("jitwg_sniffer_events_dropped_total", "Events that a slow watcher lost.", {},
              events_->events_dropped());
}

void Daemon::CollectInstalls(metrics::Exposition& out) const {
  const InstallStatistics& installs = installer_->statistics();
  for (std::size_t i = 0; i < kPeerOutcomeCount; ++i) {
    const auto outcome = static_cast<PeerOutcome>(i);
    out.Counter("jitwg_sniffer_peer_changes_total",
                "Peers that were to be installed or removed, by what became of it.",
                {{"outcome", ToString(outcome)}}, installs.Get(outcome));
  }
  out.Histogram("jitwg_sniffer_install_seconds",
                "Time of one call to install peers: guard, journal and kernel.", {},
                installs.install_time);
  out.Histogram("jitwg_sniffer_packet_to_installed_seconds",
                "From the capture of a client's initiation until its peer is in the kernel.", {},
                installs.packet_to_installed);
  for (const InterfaceState& state : interfaces_.States()) {
    const PeerManager& peers = *interfaces_.FindPeers(state.name);
    const bool serves = state.present && state.problem.empty();
    out.Gauge("jitwg_sniffer_interface_up", "1: the interface is there and served.",
              {{"interface", state.name}}, serves ? 1 : 0);
    out.Gauge("jitwg_sniffer_own_peers", "Peers of the interface that jitwg installed.",
              {{"interface", state.name}}, static_cast<double>(peers.own_count()));
    out.Gauge("jitwg_sniffer_max_peers", "How many there may be (--max-peers).",
              {{"interface", state.name}}, static_cast<double>(peers.policy().max_peers));
  }
}

void Daemon::CollectCompletion(metrics::Exposition& out) const {
  const CompletionStatus status = completions_->Status(held_);
  out.Gauge("jitwg_sniffer_completion_info", "How first handshakes are made to finish; always 1.",
            {{"strategy", status.strategy}}, 1);
  out.Gauge("jitwg_sniffer_held_packets", "Clients' packets that wait for their peers.", {},
            static_cast<double>(status.held.held));
  const char* const let_go = "jitwg_sniffer_held_let_go_total";
  const char* const let_go_help = "Waiting packets that were given up, by reason.";
  out.Counter(let_go, let_go_help, {{"reason", "superseded"}}, status.held.superseded);
  out.Counter(let_go, let_go_help, {{"reason", "expired"}}, status.held.expired);
  out.Counter(let_go, let_go_help, {{"reason", "out_of_room"}}, status.held.out_of_room);
  const char* const again = "jitwg_sniffer_reinjections_total";
  const char* const again_help = "Packets that were to be given to the kernel again.";
  out.Counter(again, again_help, {{"result", "done"}}, status.reinjected);
  out.Counter(again, again_help, {{"result", "failed"}}, status.reinject_failed);
}

void Daemon::CollectOutbound(metrics::Exposition& out) const {
  for (std::size_t i = 0; i < kOutboundResults; ++i) {
    const auto result = static_cast<OutboundResult>(i);
    out.Counter("jitwg_sniffer_outbound_packets_total",
                "The gateway's own packets into its interfaces, by what became of them.",
                {{"result", ToString(result)}}, outbound_->Get(result));
  }
}

}  // namespace jitwg::sniffer
