// The provisioner's settings, from flags, environment and a TOML file.
#pragma once

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <variant>

#include "lib/base/log.h"
#include "lib/metrics/metrics_server.h"
#include "lib/registry/factory.h"
#include "lib/rpc/tls_options.h"
#include "lib/rpc/unix_socket.h"
#include "provisioner/cached_registry.h"
#include "provisioner/peer_cache_store.h"
#include "provisioner/provisioner.h"

namespace jitwg::provisioner {

struct Settings {
  std::string sniffer = "unix:/run/jitwg/sniffer.sock";
  std::string registry = "sqlite:/var/lib/jitwg/registry.db";
  registry::HttpCredentials registry_http;
  std::string state_dir = "/var/lib/jitwg";
  std::string admin_listen = "unix:/run/jitwg/admin.sock";
  rpc::SocketAccess admin_access;
  rpc::TlsOptions tls;  // of both, the line to the sniffer and the admin server
  std::string completion = "sniffer";
  std::string cache = "auto";  // "on", "off"
  CachedRegistryOptions cached_registry;
  PeerCacheLimits peer_cache;
  EvictionLimits eviction;
  std::chrono::milliseconds evict_interval = std::chrono::seconds(10);
  std::chrono::milliseconds lookup_timeout = std::chrono::seconds(2);
  std::size_t max_lookups = 1024;
  std::chrono::milliseconds report_interval = std::chrono::seconds(10);
  GatewayIdentity identity;  // the gateway's default is the host's name
  metrics::MetricsOptions metrics;
  std::string status_page = "auto";  // "on", "off"
  LogOptions log;

  ProvisionerOptions ToOptions() const;
  // Whether the registry is kept in the gateway's cache; "auto": unless it is a local file itself.
  bool UsesCache() const;
  // "auto": where only this host can see it.
  bool ShowsStatusPage() const;
};

// The settings, or the code to exit with: after --help, --version and --check-config (0), or faults
// (2), which are all told on `err`, one line each.
std::variant<Settings, int> ReadSettings(int argc, const char* const* argv, std::ostream& out,
                                         std::ostream& err);

}  // namespace jitwg::provisioner
