// Serves a program's numbers, and pages that it adds, over HTTP: read-only, on loopback unless the
// operator says otherwise, few connections at a time. What is served is public to whoever reaches
// the port.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/config.h"
#include "lib/base/net.h"
#include "lib/base/result.h"
#include "lib/http/http_server.h"
#include "lib/metrics/exposition.h"

namespace jitwg::metrics {

struct MetricsOptions {
  std::optional<Endpoint> listen;  // nullopt: no server
  bool allow_remote = false;
};

bool IsLoopback(const IpAddress& address);

// --metrics-listen and --metrics-allow-remote, under the heading `group`.
void AddMetricsOptions(ConfigParser& parser, MetricsOptions& options,
                       const std::string& group = "Options");
// After Parse: an address that others reach needs --metrics-allow-remote.
void CheckMetricsOptions(ConfigParser& parser, const MetricsOptions& options);

// What is served; each is called on a thread of the server, several at a time.
struct Served {
  std::function<void(Exposition&)> metrics;
  // By path, e.g. "/". Only to who names the server by its address or "localhost", so that no web
  // page of somebody else's can read them through a name of its own.
  std::map<std::string, std::function<http::Response()>, std::less<>> pages = {};
};

class MetricsServer final : private http::Application {
 public:
  // nullptr when options.listen is not set. Errors: what bind(2) says.
  static Result<std::unique_ptr<MetricsServer>> Start(const MetricsOptions& options, Served served);
  ~MetricsServer() override;

  // With the port that was chosen where 0 was asked for.
  Endpoint listening() const;

 private:
  explicit MetricsServer(Served served) : served_(std::move(served)) {}
  std::optional<http::Response> Refuse(const http::RequestHead& head) override;
  http::Response Handle(const http::Request& request) override;

  const Served served_;
  Endpoint listen_;
  std::unique_ptr<http::HttpServer> server_;  // last: its threads use the rest
};

}  // namespace jitwg::metrics
