#include "ws-ingress/metrics.h"

namespace jitwg::ingress {
namespace {

using metrics::Exposition;

void CollectTraffic(const Counters& counters, Exposition& out) {
  const char* const datagrams = "jitwg_ws_ingress_datagrams_total";
  const char* const datagrams_help = "Datagrams carried, by direction as the clients see it.";
  out.Counter(datagrams, datagrams_help, {{"direction", "from_clients"}},
              counters.Get(Count::kDatagramsIn));
  out.Counter(datagrams, datagrams_help, {{"direction", "to_clients"}},
              counters.Get(Count::kDatagramsOut));
  const char* const bytes = "jitwg_ws_ingress_bytes_total";
  const char* const bytes_help = "Bytes of these datagrams.";
  out.Counter(bytes, bytes_help, {{"direction", "from_clients"}}, counters.Get(Count::kBytesIn));
  out.Counter(bytes, bytes_help, {{"direction", "to_clients"}}, counters.Get(Count::kBytesOut));
  const char* const dropped = "jitwg_ws_ingress_datagrams_dropped_total";
  const char* const dropped_help = "Datagrams that were not carried, by reason.";
  out.Counter(dropped, dropped_help, {{"reason", "client_slow"}},
              counters.Get(Count::kDroppedClientSlow));
  out.Counter(dropped, dropped_help, {{"reason", "too_big"}}, counters.Get(Count::kDroppedTooBig));
  out.Counter(dropped, dropped_help, {{"reason", "not_sent"}},
              counters.Get(Count::kDroppedNotSent));
}

}  // namespace

void CollectMetrics(const Settings& settings, const Counters& counters, std::size_t open,
                    Exposition& out) {
  metrics::AddProcess(out, "ws-ingress");
  out.Gauge("jitwg_ws_ingress_connections", "Connections that are open.", {},
            static_cast<double>(open));
  out.Gauge("jitwg_ws_ingress_max_connections", "How many there may be (--max-connections).", {},
            static_cast<double>(settings.max_connections));
  // The ends and beginnings of connections stand before and behind the traffic in the enumeration.
  for (int i = 0; i < kCountCount; ++i) {
    const auto count = static_cast<Count>(i);
    if (count >= Count::kDatagramsIn && count <= Count::kDroppedNotSent) continue;
    out.Counter("jitwg_ws_ingress_connection_events_total",
                "What happened to connections, by what it was.", {{"event", ToString(count)}},
                counters.Get(count));
  }
  for (std::size_t i = 0; i < ws::kFaultCount; ++i) {
    const auto fault = static_cast<ws::Fault>(i);
    out.Counter("jitwg_ws_ingress_faults_total", "Connections ended for what the client sent.",
                {{"fault", ws::ToString(fault)}}, counters.Get(fault));
  }
  CollectTraffic(counters, out);
}

}  // namespace jitwg::ingress
