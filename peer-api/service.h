// The peer API without its server: who may call, how often, and what each call does with the
// registry. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "lib/base/clock.h"
#include "lib/http/application.h"
#include "lib/registry/control_plane.h"
#include "lib/registry/registry.h"
#include "peer-api/change_feed.h"
#include "peer-api/chaos.h"
#include "peer-api/client_config.h"
#include "peer-api/rate_limiter.h"
#include "peer-api/router.h"
#include "peer-api/tokens.h"

namespace jitwg::api {

struct ServiceOptions {
  ServerSides server_sides;
  RateLimit admin_limit;    // of each admin token; of each stranger's IPv4 address or IPv6 /64
  RateLimit gateway_limit;  // of each gateway token
  std::size_t max_pollers = 32;
  std::chrono::milliseconds lookup_timeout = std::chrono::seconds(2);
  std::optional<ChaosPlan> chaos;
};

class Service final : public http::Application {
 public:
  // All but the tokens and options outlive it. Takes the registry's one subscription.
  Service(const Clock& clock, registry::Registry& registry, registry::ControlPlane& control,
          Tokens tokens, ServiceOptions options);
  ~Service() override;

  std::optional<Response> Refuse(const RequestHead& head) override;
  Response Handle(const Request& request) override;

  // Ends what waits: long polls, chaos.
  void Stop();

  const Router& router() const { return router_; }

 private:
  std::optional<Response> RefuseCaller(const RequestHead& head, const Match& match);
  static std::optional<Response> RefuseTarget(const RequestHead& head, const Match& match,
                                              const Target& target);

  const ServiceOptions options_;
  registry::Registry& registry_;
  const Tokens tokens_;
  // Apart, so that a flood of strangers takes no room from those who have a token.
  RateLimiter callers_;
  RateLimiter strangers_;
  ChangeFeed changes_;
  Chaos chaos_;
  Router router_;
};

}  // namespace jitwg::api
