#include "provisioner/sighting_reporter.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>
#include <utility>

#include "provisioner/log_text.h"
#include "provisioner/peer_remover.h"

namespace jitwg::provisioner {

SightingReporter::SightingReporter(const Clock& clock, registry::Registry& registry,
                                   SightingOptions options)
    : clock_(clock), registry_(registry), options_(std::move(options)) {}

void SightingReporter::NoteList(const std::string& interface, const PeerList& list) {
  if (!enabled()) return;
  const WallTime now = clock_.WallNow();
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = ++lists_;
  for (const PeerState& state : list.peers) {
    if (!state.own || !state.endpoint) continue;
    const PeerId id{interface, state.public_key};
    if (entries_.size() >= options_.max_peers && !entries_.contains(id)) continue;
    const auto [item, added] = entries_.try_emplace(id);
    Entry& entry = item->second;
    entry.seen_in_list = number;
    const bool is_news = added || entry.endpoint != state.endpoint ||
                         entry.last_handshake != state.last_handshake ||
                         entry.rx_bytes != state.rx_bytes;
    entry.endpoint = state.endpoint;
    entry.last_handshake = state.last_handshake;
    entry.rx_bytes = state.rx_bytes;
    entry.tx_bytes = state.tx_bytes;
    if (is_news) Enqueue(id, entry, now);
  }
  if (list.interrupted) return;
  std::erase_if(entries_, [&](const auto& item) {
    return item.first.interface == interface && item.second.seen_in_list != number;
  });
}

void SightingReporter::NoteEvent(const HandshakeEvent& event) {
  if (!enabled()) return;
  const std::lock_guard lock(mutex_);
  const PeerId id{event.interface, event.public_key};
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second.endpoint = event.source;
  Enqueue(id, found->second, clock_.WallNow());
}

void SightingReporter::Enqueue(const PeerId& id, Entry& entry, WallTime now) {
  entry.seen_at = now;
  if (std::exchange(entry.is_waiting, true)) return;
  if (waiting_.size() >= 2 * options_.max_peers) return;  // full of peers that are gone
  waiting_.push_back(id);
}

registry::GatewayReport SightingReporter::TakeBatch() {
  registry::GatewayReport report;
  report.gateway.name = options_.gateway;
  report.gateway.version = options_.version;
  const std::lock_guard lock(mutex_);
  report.gateway.peers = entries_.size();
  for (; !waiting_.empty() && report.sightings.size() < options_.max_batch; waiting_.pop_front()) {
    const PeerId& id = waiting_.front();
    const auto found = entries_.find(id);
    if (found == entries_.end() || !std::exchange(found->second.is_waiting, false)) continue;
    const Entry& entry = found->second;
    report.sightings.push_back({.public_key = id.public_key,
                                .gateway = options_.gateway,
                                .interface = id.interface,
                                .endpoint = *entry.endpoint,
                                .last_handshake = entry.last_handshake,
                                .rx_bytes = entry.rx_bytes,
                                .tx_bytes = entry.tx_bytes,
                                .seen_at = entry.seen_at});
  }
  return report;
}

void SightingReporter::PutBack(const registry::GatewayReport& report) {
  const std::lock_guard lock(mutex_);
  for (const registry::Sighting& sighting : report.sightings) {
    const PeerId id{sighting.interface, sighting.public_key};
    const auto found = entries_.find(id);
    if (found != entries_.end() && !std::exchange(found->second.is_waiting, true)) {
      waiting_.push_front(id);
    }
  }
}

Status SightingReporter::ReportOnce() {
  for (std::size_t batch = 0; batch < std::max<std::size_t>(options_.max_batches, 1); ++batch) {
    const registry::GatewayReport report = TakeBatch();
    if (batch > 0 && report.sightings.empty()) return {};
    Status reported = registry_.Report(report);
    // What the registry will never take is not offered again.
    if (!reported && reported.error().code != ErrorCode::kInvalidArgument) PutBack(report);
    if (!reported) return reported;
    if (report.sightings.size() < options_.max_batch) return {};
  }
  return {};
}

void SightingReporter::Run(const std::stop_token& stop) {
  if (!enabled()) return;
  Backoff backoff(options_.interval * 2, std::max(options_.longest_interval, options_.interval * 2),
                  std::random_device{}());
  bool failing = false;
  auto pause = options_.interval;
  while (!PauseUnlessStopped(pause, stop)) {
    const Status reported = ReportOnce();
    if (reported) backoff.Reset();
    pause = reported ? options_.interval : backoff.Next();
    if (!reported && !failing) {
      spdlog::warn(
          "sightings_not_reported problem=\"{}\" effect=\"the registry does not know who is "
          "where; trying again\"",
          LogText(reported.error().message));
    } else if (reported && failing) {
      spdlog::info("sightings_reported_again");
    }
    failing = !reported;
  }
}

}  // namespace jitwg::provisioner
