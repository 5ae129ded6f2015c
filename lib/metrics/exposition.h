// The numbers of one scrape on their way to Prometheus: values that others counted, given names and
// labels. The only header besides its source that knows prometheus-cpp.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/histogram.h"

namespace jitwg::metrics {

// A label's values are a closed set, or named by the operator (interfaces): never a key, an address
// or a peer's name.
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// One thread. A name's first use sets its help and type; later uses add to it.
class Exposition {
 public:
  // `name` ends in "_total".
  void Counter(std::string_view name, std::string_view help, Labels labels, std::uint64_t value);
  void Counter(std::string_view name, std::string_view help, Labels labels, double value);
  void Gauge(std::string_view name, std::string_view help, Labels labels, double value);
  // In seconds; `name` ends in "_seconds".
  void Histogram(std::string_view name, std::string_view help, Labels labels,
                 const LatencyHistogram& histogram);

  // All of it in Prometheus' text format, families in the order of their first use.
  std::string Text() const;

 private:
  prometheus::ClientMetric& Add(std::string_view name, std::string_view help,
                                prometheus::MetricType type, Labels labels);

  std::vector<prometheus::MetricFamily> families_;
  std::map<std::string, std::size_t, std::less<>> places_;  // in families_, by name
};

// jitwg_build_info and what the kernel knows of this process. `program`: e.g. "sniffer".
void AddProcess(Exposition& out, std::string_view program);

}  // namespace jitwg::metrics
