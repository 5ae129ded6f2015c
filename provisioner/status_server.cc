#include "provisioner/status_server.h"

#include <chrono>
#include <utility>

#include "provisioner/status_page.h"
#include "provisioner/status_view.h"

namespace jitwg::provisioner {
namespace {

constexpr std::chrono::milliseconds kDrawnLasts{500};

http::Response WithPolicy(const char* type, std::string body) {
  http::Response response(200, type, std::move(body));
  response.headers.emplace_back("Content-Security-Policy", StatusPagePolicy());
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

}  // namespace

Result<std::unique_ptr<StatusServer>> StatusServer::Start(const Clock& clock, Observed observed,
                                                          StatusServerOptions options) {
  if (!options.metrics.listen) return std::unique_ptr<StatusServer>();
  std::unique_ptr<StatusServer> status(
      new StatusServer(clock, std::move(observed), std::move(options)));
  metrics::Served served;
  served.metrics = [&status = *status](metrics::Exposition& out) {
    CollectMetrics(status.observed_, out);
  };
  if (status->options_.page) {
    served.pages["/"] = [&status = *status] { return status.Page(); };
    served.pages["/status.css"] = [] {
      return WithPolicy("text/css; charset=utf-8", std::string(StatusStyle()));
    };
    served.pages["/status.js"] = [] {
      return WithPolicy("text/javascript; charset=utf-8", std::string(StatusScript()));
    };
  }
  auto server = metrics::MetricsServer::Start(status->options_.metrics, std::move(served));
  if (!server) return server.error();
  status->server_ = std::move(*server);
  return status;
}

http::Response StatusServer::Page() {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.SteadyNow();
  if (drawn_.empty() || now - drawn_at_ >= kDrawnLasts) {
    StatusView view = Gather(observed_, clock_.WallNow());
    view.gateway = options_.gateway;
    view.version = options_.version;
    view.started_at = started_at_;
    drawn_ = RenderStatusPage(view);
    drawn_at_ = now;
  }
  return WithPolicy("text/html; charset=utf-8", drawn_);
}

}  // namespace jitwg::provisioner
