// /healthz and /openapi.json, which need no token.
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "lib/base/version.h"
#include "peer-api/message.h"
#include "peer-api/openapi.h"
#include "peer-api/routes.h"

namespace jitwg::api {
namespace {

// Says it once when it changes, however often it is asked.
void Log(const Status& status, std::atomic<bool>& was_healthy) {
  if (was_healthy.exchange(status.has_value()) == status.has_value()) return;
  if (status) {
    spdlog::info("registry_healthy_again");
  } else {
    spdlog::warn("registry_unhealthy error=\"{}\"", status.error().message);
  }
}

Response Health(registry::ControlPlane& control, registry::Registry& registry,
                std::atomic<bool>& was_healthy) {
  auto healthy = control.Health();
  if (healthy) healthy = registry.Health();
  Log(healthy, was_healthy);
  if (healthy) return JsonResponse(200, {{"status", "ok"}, {"version", Version()}});
  // Why is the operator's business and stands in the log; strangers learn that, not why.
  return Problem(503, ErrorCode::kUnavailable, "the registry cannot be used at present");
}

}  // namespace

void AddMetaRoutes(Router& router, registry::ControlPlane& control, registry::Registry& registry) {
  const auto was_healthy = std::make_shared<std::atomic<bool>>(true);
  router.Add({"GET", "/healthz", Role::kAnyone, false, {}, [&, was_healthy](const Call&) {
                return Health(control, registry, *was_healthy);
              }});
  router.Add({"GET", "/openapi.json", Role::kAnyone, false, {}, [](const Call&) {
                return Response(200, "application/json", std::string(OpenApiText()));
              }});
}

}  // namespace jitwg::api
