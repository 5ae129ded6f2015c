#include "provisioner/status_view.h"

#include <algorithm>
#include <utility>

namespace jitwg::provisioner {
namespace {

using std::chrono::microseconds;

Latency Measure(std::string what, std::vector<microseconds> times) {
  Latency latency;
  latency.what = std::move(what);
  latency.count = times.size();
  if (times.empty()) return latency;
  std::sort(times.begin(), times.end());
  const auto at = [&times](std::size_t percent) {
    return times[std::min(times.size() - 1, times.size() * percent / 100)];
  };
  latency.p50 = at(50);
  latency.p90 = at(90);
  latency.p99 = at(99);
  return latency;
}

PartHealth LinkHealth(const LinkStatus& link) {
  PartHealth part{"Sniffer", link.connected, link.problem};
  if (link.connected) {
    part.detail = std::to_string(link.reconnects) + " reconnects, " +
                  std::to_string(link.events_dropped) + " events dropped";
  } else if (part.detail.empty()) {
    part.detail = "not connected yet";
  }
  return part;
}

std::vector<PartHealth> Parts(const Observed& observed) {
  std::vector<PartHealth> parts{LinkHealth(observed.provisioner.link_status())};
  const Status health = observed.registry.Health();
  parts.push_back({"Registry (" + observed.registry_kind + ")", health.has_value(),
                   health ? "answers" : health.error().message});
  const Coordinator& coordinator = observed.provisioner.coordinator();
  const std::size_t most = coordinator.options().max_lookups;
  const std::size_t in_flight = coordinator.in_flight();
  parts.push_back({"Decisions", in_flight < most,
                   std::to_string(in_flight) + " of " + std::to_string(most) + " in flight, " +
                       std::to_string(coordinator.installs_waiting()) + " wait for the sniffer"});
  if (observed.cache == nullptr) return parts;
  const CacheCounters cache = observed.cache->counters();
  const std::size_t entries = observed.cache_store == nullptr ? 0 : observed.cache_store->size();
  parts.push_back({"Cache", !cache.registry_away,
                   std::to_string(entries) + " peers known, " + std::to_string(cache.served) +
                       " served while the registry was away"});
  return parts;
}

}  // namespace

std::vector<Latency> MeasureLatencies(const std::vector<Decision>& decisions) {
  std::vector<microseconds> lookup;
  std::vector<microseconds> install;
  std::vector<microseconds> whole;
  for (const Decision& decision : decisions) {
    if (decision.lookup_time.count() > 0) lookup.push_back(decision.lookup_time);
    if (decision.install_time.count() > 0) install.push_back(decision.install_time);
    if (decision.verdict != Verdict::kInstalled || decision.destination) continue;
    whole.push_back(
        std::chrono::duration_cast<microseconds>(decision.decided_at - decision.event.captured_at));
  }
  return {Measure("Look-up", std::move(lookup)), Measure("Install", std::move(install)),
          Measure("Captured to installed", std::move(whole))};
}

StatusView Gather(const Observed& observed, WallTime now) {
  StatusView view;
  view.now = now;
  view.parts = Parts(observed);
  const PeerCensus& census = observed.provisioner.census();
  const auto latest = census.Now();
  for (const auto& state : observed.provisioner.interfaces().Present()) {
    InterfaceRow row{state->interface, state->allowed_prefixes, state->max_peers, {}};
    if (const auto item = latest.find(row.name); item != latest.end()) {
      row.counts = item->second.counts;
    }
    view.interfaces.push_back(std::move(row));
  }
  view.history = census.History();
  view.recent = observed.provisioner.decisions().history().Last(kMeasuredDecisions);
  view.latencies = MeasureLatencies(view.recent);
  std::reverse(view.recent.begin(), view.recent.end());
  if (view.recent.size() > kShownDecisions) view.recent.resize(kShownDecisions);
  view.decisions = observed.provisioner.decisions().Decisions();
  view.evictions = observed.provisioner.decisions().Evictions();
  return view;
}

}  // namespace jitwg::provisioner
