// The sniffer's configuration, from flags, environment and file.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/config_values.h"
#include "lib/base/log.h"
#include "lib/metrics/metrics_server.h"
#include "lib/rpc/tls_options.h"

namespace jitwg::sniffer {

struct SnifferOptions {
  std::vector<std::string> interfaces;
  std::vector<InterfacePrefix> allow;
  std::vector<std::string> capture{"any"};
  std::uint32_t capture_buffer_kib = 3072;
  std::string backend = "auto";
  std::string completion = "auto";
  std::string reinject = "auto";
  // Well below the 5 s after which a client calls again; on a machine with far too much to do a
  // decision took more than a second.
  std::chrono::milliseconds hold_time{2000};
  std::uint32_t hold_packets = 4096;
  std::uint32_t hold_queue = 0;  // 0: a free one
  std::string listen = "unix:/run/jitwg/sniffer.sock";
  FileMode socket_mode{0660};
  std::string socket_group;
  rpc::TlsOptions tls;
  std::string user;  // empty: stays who it is
  std::string state_dir = "/run/jitwg/sniffer";
  std::uint32_t max_peers = 100000;
  std::chrono::milliseconds poll_interval{2000};
  std::uint32_t source_rate = 100;
  std::uint32_t source_burst = 300;
  std::uint32_t global_rate = 20000;
  std::uint32_t global_burst = 20000;
  std::uint32_t workers = 0;  // WorkersFor
  bool outbound = false;
  std::uint32_t outbound_rate = 100;
  metrics::MetricsOptions metrics;
  LogOptions log;
};

// Threads that unwrap on a machine of so many processors (0: unknown): as many as the option says;
// 0 is one for each processor, 8 at most. At least 1.
unsigned WorkersFor(std::uint32_t option, unsigned processors);

// Fills `options`. An exit code when the program is to end here: help, version, --check-config, or
// faults (all of them were written to `err`, one line each).
std::optional<int> ParseOptions(int argc, const char* const* argv, SnifferOptions& options,
                                std::ostream& out, std::ostream& err);

}  // namespace jitwg::sniffer
