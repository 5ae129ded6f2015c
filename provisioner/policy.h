// Whether a registered peer may connect to this interface of this gateway now. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

enum class Refusal { kDisabled, kExpired, kOtherNetwork, kOtherGateway, kPrefixNotAllowed };

// Which gateway decides. An empty network serves peers of every network.
struct GatewayIdentity {
  std::string gateway;
  std::string network;
};

// nullopt: allowed. `interface` null: not known yet; then its prefixes are left to the sniffer's
// guard, which has the last word in any case. A peer's expiry is the first instant it is refused.
std::optional<Refusal> CheckPolicy(const registry::Peer& peer, const InterfaceState* interface,
                                   const GatewayIdentity& identity, WallTime now);

// The verdict's name: "disabled", "expired", "other_network", "other_gateway",
// "prefix_not_allowed".
std::string_view ToString(Refusal refusal);

}  // namespace jitwg::provisioner
