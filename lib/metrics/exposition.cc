#include "lib/metrics/exposition.h"

#include <prometheus/text_serializer.h>

#include <chrono>
#include <limits>
#include <sstream>

namespace jitwg::metrics {
namespace {

double Seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

prometheus::ClientMetric& Exposition::Add(std::string_view name, std::string_view help,
                                          prometheus::MetricType type, Labels labels) {
  auto place = places_.find(name);
  if (place == places_.end()) {
    place = places_.emplace(std::string(name), families_.size()).first;
    families_.push_back({std::string(name), std::string(help), type, {}});
  }
  prometheus::ClientMetric& metric = families_[place->second].metric.emplace_back();
  for (const auto& [label, value] : labels) {
    metric.label.push_back({std::string(label), std::string(value)});
  }
  return metric;
}

void Exposition::Counter(std::string_view name, std::string_view help, Labels labels,
                         std::uint64_t value) {
  Counter(name, help, labels, static_cast<double>(value));
}

void Exposition::Counter(std::string_view name, std::string_view help, Labels labels,
                         double value) {
  Add(name, help, prometheus::MetricType::Counter, labels).counter.value = value;
}

void Exposition::Gauge(std::string_view name, std::string_view help, Labels labels, double value) {
  Add(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

void Exposition::Histogram(std::string_view name, std::string_view help, Labels labels,
                           const LatencyHistogram& histogram) {
  auto& shown = Add(name, help, prometheus::MetricType::Histogram, labels).histogram;
  const auto buckets = histogram.Buckets();
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    shown.sample_count += buckets[i];
    const bool last = i == LatencyHistogram::kBounds.size();
    const double bound =
        last ? std::numeric_limits<double>::infinity() : Seconds(LatencyHistogram::kBounds[i]);
    shown.bucket.push_back({shown.sample_count, bound});
  }
  shown.sample_sum = Seconds(histogram.Sum());
}

std::string Exposition::Text() const {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families_);
  return text.str();
}

}  // namespace jitwg::metrics
