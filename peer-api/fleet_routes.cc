// /v1/networks and /v1/gateways.
#include <utility>

#include "peer-api/message.h"
#include "peer-api/peer_json.h"
#include "peer-api/routes.h"

namespace jitwg::api {
namespace {

using registry::ControlPlane;
using registry::Network;

Response ListNetworks(ControlPlane& control, const Call&) {
  const auto networks = control.ListNetworks();
  if (!networks) return Problem(networks.error());
  nlohmann::json list = nlohmann::json::array();
  for (const Network& network : *networks) list.push_back(ToJson(network));
  return JsonResponse(200, {{"networks", std::move(list)}});
}

Response ShowNetworkNamed(ControlPlane& control, const std::string& name) {
  if (auto valid = registry::ValidateNetwork(name); !valid) return Problem(valid.error());
  const auto networks = control.ListNetworks();
  if (!networks) return Problem(networks.error());
  for (const Network& network : *networks) {
    if (network.name == name) return JsonResponse(200, ToJson(network));
  }
  return Problem({ErrorCode::kNotFound, "network " + name + " is unknown"});
}

Response ShowNetwork(ControlPlane& control, const Call& call) {
  return ShowNetworkNamed(control, call.path.at("name"));
}

Response PutNetwork(ControlPlane& control, const Call& call) {
  const auto body = BodyOf(call);
  if (!body) return Problem(body.error());
  const auto network = ReadNetwork(call.path.at("name"), *body);
  if (!network) return Problem(network.error());
  if (auto put = control.PutNetwork(*network); !put) return Problem(put.error());
  return ShowNetworkNamed(control, network->name);
}

Response DeleteNetwork(ControlPlane& control, const Call& call) {
  const std::string& name = call.path.at("name");
  if (auto valid = registry::ValidateNetwork(name); !valid) return Problem(valid.error());
  const auto deleted = control.DeleteNetwork(name);
  return deleted ? NoContent() : Problem(deleted.error());
}

Response ListGateways(ControlPlane& control, const Call&) {
  const auto gateways = control.ListGateways();
  if (!gateways) return Problem(gateways.error());
  nlohmann::json list = nlohmann::json::array();
  for (const registry::Gateway& gateway : *gateways) list.push_back(ToJson(gateway));
  return JsonResponse(200, {{"gateways", std::move(list)}});
}

}  // namespace

void AddFleetRoutes(Router& router, ControlPlane& control) {
  const auto with = [&control](Response (*handler)(ControlPlane&, const Call&)) {
    return [&control, handler](const Call& call) { return handler(control, call); };
  };
  router.Add({"GET", "/v1/networks", Role::kAdmin, false, {}, with(ListNetworks)});
  router.Add({"GET", "/v1/networks/{name}", Role::kAdmin, false, {}, with(ShowNetwork)});
  router.Add({"PUT", "/v1/networks/{name}", Role::kAdmin, true, {}, with(PutNetwork)});
  router.Add({"DELETE", "/v1/networks/{name}", Role::kAdmin, false, {}, with(DeleteNetwork)});
  router.Add({"GET", "/v1/gateways", Role::kAdmin, false, {}, with(ListGateways)});
}

}  // namespace jitwg::api
