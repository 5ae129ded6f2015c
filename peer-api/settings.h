// The peer API's settings, from flags, environment and a TOML file.
#pragma once

#include <iosfwd>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/log.h"
#include "lib/http/http_server.h"
#include "lib/metrics/metrics_server.h"
#include "peer-api/service.h"

namespace jitwg::api {

struct Settings {
  std::string registry = "sqlite:/var/lib/jitwg/registry.db";
  std::string token_file = "/etc/jitwg/peer-api.tokens";
  http::ServerOptions server;
  ServiceOptions service;
  metrics::MetricsOptions metrics;
  LogOptions log;
};

// The settings, or the code to exit with: after --help, --version and --check-config (0), or faults
// (2), which are all told on `err`, one line each.
std::variant<Settings, int> ReadSettings(int argc, const char* const* argv, std::ostream& out,
                                         std::ostream& err);

}  // namespace jitwg::api
