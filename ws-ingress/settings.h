// The ingress's settings, from flags, environment and a TOML file.
#pragma once

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/log.h"
#include "lib/base/net.h"
#include "lib/metrics/metrics_server.h"

namespace jitwg::ingress {

struct Settings {
  std::vector<Endpoint> listen;
  std::string path = "/";
  std::string tls_cert;
  std::string tls_key;
  bool plain = false;
  std::vector<IpPrefix> trusted_proxies;
  Endpoint target;
  // Where the addresses come from that speak for clients; nullopt: the kernel's choice for all.
  std::optional<IpPrefix> source_prefix;
  std::size_t threads = 2;
  std::size_t max_connections = 10'000;
  std::size_t max_connections_per_source = 256;
  std::size_t max_header = 8192;
  std::size_t send_buffer = 131'072;
  std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);
  std::chrono::milliseconds drain_grace = std::chrono::seconds(5);
  metrics::MetricsOptions metrics;
  LogOptions log;
};

// The settings, or the code to exit with: after --help, --version and --check-config (0), or faults
// (2), which are all told on `err`, one line each.
std::variant<Settings, int> ReadSettings(int argc, const char* const* argv, std::ostream& out,
                                         std::ostream& err);

}  // namespace jitwg::ingress
