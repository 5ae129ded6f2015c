#include "provisioner/policy.h"

#include <algorithm>

namespace jitwg::provisioner {
namespace {

bool AllInside(const std::vector<IpPrefix>& wanted, const std::vector<IpPrefix>& allowed) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const IpPrefix& prefix) {
    return std::any_of(allowed.begin(), allowed.end(),
                       [&](const IpPrefix& outer) { return outer.Contains(prefix); });
  });
}

}  // namespace

std::optional<Refusal> CheckPolicy(const registry::Peer& peer, const InterfaceState* interface,
                                   const GatewayIdentity& identity, WallTime now) {
  if (!peer.enabled) return Refusal::kDisabled;
  if (peer.expires_at && *peer.expires_at <= now) return Refusal::kExpired;
  if (!identity.network.empty() && peer.network != identity.network) return Refusal::kOtherNetwork;
  if (!peer.gateway.empty() && peer.gateway != identity.gateway) return Refusal::kOtherGateway;
  if (interface != nullptr && !AllInside(peer.allowed_ips, interface->allowed_prefixes)) {
    return Refusal::kPrefixNotAllowed;
  }
  return std::nullopt;
}

std::string_view ToString(Refusal refusal) {
  switch (refusal) {
    case Refusal::kDisabled:
      return "disabled";
    case Refusal::kExpired:
      return "expired";
    case Refusal::kOtherNetwork:
      return "other_network";
    case Refusal::kOtherGateway:
      return "other_gateway";
    case Refusal::kPrefixNotAllowed:
      return "prefix_not_allowed";
  }
  return "unknown";
}

}  // namespace jitwg::provisioner
