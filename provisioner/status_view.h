// What the status page shows, as plain values: gathered here, drawn by status_page. Holds no
// secret, and is bounded whatever the number of peers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "provisioner/decision.h"
#include "provisioner/metrics.h"
#include "provisioner/peer_census.h"

namespace jitwg::provisioner {

struct PartHealth {
  std::string name;
  bool well = false;
  std::string detail;
};

struct InterfaceRow {
  std::string name;
  std::vector<IpPrefix> prefixes;
  std::size_t max_peers = 0;
  PeerCounts counts;
};

// Of those of the last decisions that waited for it.
struct Latency {
  std::string what;
  std::size_t count = 0;
  std::chrono::microseconds p50{0};
  std::chrono::microseconds p90{0};
  std::chrono::microseconds p99{0};
};

struct StatusView {
  std::string gateway;
  std::string version;
  WallTime now;
  WallTime started_at;
  std::vector<PartHealth> parts;
  std::vector<InterfaceRow> interfaces;
  std::vector<PeerCensus::Sample> history;
  std::vector<Latency> latencies;
  std::vector<Decision> recent;  // newest first
  std::map<std::string, std::uint64_t> decisions;
  std::map<std::string, std::uint64_t> evictions;
};

inline constexpr std::size_t kShownDecisions = 50;
inline constexpr std::size_t kMeasuredDecisions = 1000;

// Look-up, install, and from captured to installed. Pure.
std::vector<Latency> MeasureLatencies(const std::vector<Decision>& decisions);

// All but gateway, version and started_at. Any thread.
StatusView Gather(const Observed& observed, WallTime now);

}  // namespace jitwg::provisioner
