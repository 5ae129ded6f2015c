// Serves the provisioner's numbers and its status page. Read-only; however many look on, the page
// is drawn twice a second at most.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "lib/base/clock.h"
#include "lib/metrics/metrics_server.h"
#include "provisioner/metrics.h"

namespace jitwg::provisioner {

struct StatusServerOptions {
  metrics::MetricsOptions metrics;
  bool page = false;  // besides /metrics
  std::string gateway;
  std::string version;
};

class StatusServer {
 public:
  // nullptr without --metrics-listen. `clock` and what is observed outlive it.
  static Result<std::unique_ptr<StatusServer>> Start(const Clock& clock, Observed observed,
                                                     StatusServerOptions options);

  Endpoint listening() const { return server_->listening(); }

 private:
  StatusServer(const Clock& clock, Observed observed, StatusServerOptions options)
      : clock_(clock),
        observed_(std::move(observed)),
        options_(std::move(options)),
        started_at_(clock.WallNow()) {}
  http::Response Page();

  const Clock& clock_;
  const Observed observed_;
  const StatusServerOptions options_;
  const WallTime started_at_;
  std::mutex mutex_;  // guards the two below
  std::string drawn_;
  SteadyTime drawn_at_;
  std::unique_ptr<metrics::MetricsServer> server_;  // last: its threads use the rest
};

}  // namespace jitwg::provisioner
