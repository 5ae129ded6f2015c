// The routes of the API, a file for each part. What they are given outlives the router.
#pragma once

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lib/registry/control_plane.h"
#include "lib/registry/registry.h"
#include "peer-api/change_feed.h"
#include "peer-api/client_config.h"
#include "peer-api/router.h"

namespace jitwg::api {

// /v1/peers
void AddPeerRoutes(Router& router, registry::ControlPlane& control);
// /v1/peers/{key}/config
void AddConfigRoutes(Router& router, registry::ControlPlane& control, const ServerSides& sides);
// /v1/networks, /v1/gateways
void AddFleetRoutes(Router& router, registry::ControlPlane& control);
// /internal/v1
void AddInternalRoutes(Router& router, registry::Registry& registry, ChangeFeed& changes,
                       std::chrono::milliseconds lookup_timeout);
// /healthz, /openapi.json
void AddMetaRoutes(Router& router, registry::ControlPlane& control, registry::Registry& registry);

// --- What the handlers share.

// The peer that the path names; kInvalidArgument.
Result<PublicKey> KeyOf(const Call& call);
// The body as an object; kInvalidArgument.
Result<nlohmann::json> BodyOf(const Call& call);
// A query parameter; nullptr: absent.
const std::string* QueryText(const Call& call, const std::string& name);
// nullopt: absent.
Result<std::optional<bool>> QueryBool(const Call& call, const std::string& name);
Result<std::int64_t> QueryNumber(const Call& call, const std::string& name, std::int64_t absent,
                                 std::int64_t min, std::int64_t max);
Response JsonResponse(int status, const nlohmann::json& body);
Response NoContent();
Response NoSuchPeer(const PublicKey& key);

}  // namespace jitwg::api
