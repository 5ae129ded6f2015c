#include "provisioner/metrics.h"

#include <chrono>

namespace jitwg::provisioner {
namespace {

using metrics::Exposition;

double UnixTime(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void CollectDecisions(const Observed& observed, Exposition& out) {
  const Coordinator& coordinator = observed.provisioner.coordinator();
  for (const auto& [verdict, count] : observed.provisioner.decisions().Decisions()) {
    out.Counter("jitwg_provisioner_decisions_total",
                "Initiations and outbound demands, by what was decided.", {{"verdict", verdict}},
                count);
  }
  const CoordinatorTimes& times = coordinator.times();
  const char* const lookup = "jitwg_provisioner_lookup_seconds";
  const char* const lookup_help = "Time until the answer to one look-up, by where it came from.";
  out.Histogram(lookup, lookup_help, {{"source", observed.registry_kind}}, times.registry_lookup);
  out.Histogram(lookup, lookup_help, {{"source", "cache"}}, times.cache_lookup);
  out.Histogram("jitwg_provisioner_install_seconds",
                "Time of one peer's installation: the call to the sniffer and back.", {},
                times.install);
  out.Histogram("jitwg_provisioner_captured_to_installed_seconds",
                "From the kernel's time stamp of an initiation until its peer was known to be in.",
                {}, times.captured_to_installed);
  out.Counter("jitwg_provisioner_lookups_total", "Look-ups that were begun.", {},
              coordinator.lookups());
  out.Gauge("jitwg_provisioner_lookups_in_flight", "Keys from their event until they are in.", {},
            static_cast<double>(coordinator.in_flight()));
  out.Gauge("jitwg_provisioner_lookups_max", "How many there may be (--max-lookups).", {},
            static_cast<double>(coordinator.options().max_lookups));
  out.Gauge("jitwg_provisioner_install_queue_length", "Peers that wait to be sent to the sniffer.",
            {}, static_cast<double>(coordinator.installs_waiting()));
  out.Counter("jitwg_provisioner_superseded_total",
              "Initiations that a newer one of the same key replaced in flight.", {},
              coordinator.superseded());
}

void CollectPeers(const Observed& observed, Exposition& out) {
  for (const auto& [reason, count] : observed.provisioner.decisions().Evictions()) {
    out.Counter("jitwg_provisioner_evictions_total", "Peers that were taken out, by reason.",
                {{"reason", reason}}, count);
  }
  const auto latest = observed.provisioner.census().Now();
  for (const auto& state : observed.provisioner.interfaces().Present()) {
    const auto item = latest.find(state->interface);
    if (item == latest.end()) continue;
    const PeerCounts& counts = item->second.counts;
    const auto gauge = [&](const char* kind, std::size_t count) {
      out.Gauge("jitwg_kernel_peers", "Peers that the interface holds, by whether they are needed.",
                {{"interface", state->interface}, {"state", kind}}, static_cast<double>(count));
    };
    gauge("live", counts.live);
    gauge("unfinished", counts.unfinished);
    gauge("stale", counts.stale);
    gauge("pinned", counts.pinned);
    gauge("foreign", counts.foreign);
    out.Gauge("jitwg_kernel_peers_listed_timestamp_seconds",
              "When the interface's peers were last counted, in Unix time.",
              {{"interface", state->interface}}, UnixTime(item->second.listed_at));
  }
}

void CollectLink(const Observed& observed, Exposition& out) {
  const LinkStatus link = observed.provisioner.link_status();
  out.Gauge("jitwg_provisioner_sniffer_connected", "1: the sniffer's events come in.", {},
            link.connected ? 1 : 0);
  out.Counter("jitwg_provisioner_sniffer_reconnects_total", "Times the link was made anew.", {},
              link.reconnects);
  out.Counter("jitwg_provisioner_events_dropped_total",
              "Events that were lost between sniffer and provisioner.", {}, link.events_dropped);
  for (const auto& [what, count] : observed.provisioner.outbound().Counters()) {
    out.Counter("jitwg_provisioner_outbound_demands_total",
                "Outbound demands, by what became of them before a decision.", {{"result", what}},
                count);
  }
}

void CollectRegistry(const Observed& observed, Exposition& out) {
  out.Gauge("jitwg_provisioner_registry_healthy", "1: look-ups reach the registry.",
            {{"kind", observed.registry_kind}}, observed.registry.Health() ? 1 : 0);
  if (observed.cache == nullptr) return;
  const CacheCounters cache = observed.cache->counters();
  out.Gauge("jitwg_provisioner_cache_serving", "1: the registry is away, the cache stands in.", {},
            cache.registry_away ? 1 : 0);
  const char* const answers = "jitwg_provisioner_cache_answers_total";
  const char* const answers_help = "Look-ups that the gateway's cache answered.";
  out.Counter(answers, answers_help, {{"answer", "known"}}, cache.served);
  out.Counter(answers, answers_help, {{"answer", "unknown"}}, cache.negatives);
  if (observed.cache_store == nullptr) return;
  out.Gauge("jitwg_provisioner_cache_entries", "Peers in the cache's file.", {},
            static_cast<double>(observed.cache_store->size()));
  out.Counter("jitwg_provisioner_cache_write_failures_total",
              "Times the cache's file could not be written.", {},
              observed.cache_store->write_failures());
}

}  // namespace

void CollectMetrics(const Observed& observed, Exposition& out) {
  metrics::AddProcess(out, "provisioner");
  CollectDecisions(observed, out);
  CollectPeers(observed, out);
  CollectLink(observed, out);
  CollectRegistry(observed, out);
}

}  // namespace jitwg::provisioner
