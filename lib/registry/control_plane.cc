#include "lib/registry/control_plane.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace jitwg::registry {
namespace {

// The network's address, and IPv4's broadcast, are nobody's.
bool HasRoom(const IpPrefix& pool) {
  return pool.address().bit_length() - pool.length() >= (pool.address().is_v4() ? 2 : 1);
}

std::optional<WallTime> AsStored(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return std::chrono::floor<std::chrono::microseconds>(*time);
}

}  // namespace

Status Validate(const Network& network) {
  if (auto name = ValidateNetwork(network.name); !name) return name;
  if (network.pools.size() > kMaxPools) {
    return InvalidArgument("a network has at most " + std::to_string(kMaxPools) + " pools, not " +
                           std::to_string(network.pools.size()));
  }
  for (auto pool = network.pools.begin(); pool != network.pools.end(); ++pool) {
    if (!HasRoom(*pool)) {
      return InvalidArgument("pool " + pool->ToString() +
                             " has no address to give; use a shorter prefix, like /24 or /64");
    }
    const auto other = std::find_if(pool + 1, network.pools.end(),
                                    [&](const IpPrefix& p) { return p.Overlaps(*pool); });
    if (other != network.pools.end()) {
      return InvalidArgument("the pools " + pool->ToString() + " and " + other->ToString() +
                             " overlap; leave one out");
    }
  }
  return {};
}

Status ValidateWish(const Peer& wish) {
  if (!wish.allowed_ips.empty()) return Validate(wish);
  Peer with_address = wish.Clone();
  with_address.allowed_ips.emplace_back();
  return Validate(with_address);
}

std::vector<std::string> UnmetWishes(const Peer& wish, const Peer& stored) {
  std::vector<std::string> unmet;
  const auto want = [&](bool met, const char* name) {
    if (!met) unmet.emplace_back(name);
  };
  want(wish.name == stored.name, "name");
  want(wish.network == stored.network, "network");
  want(wish.allowed_ips.empty() || wish.allowed_ips == stored.allowed_ips, "allowed_ips");
  want(
      !wish.preshared_key || (stored.preshared_key && *wish.preshared_key == *stored.preshared_key),
      "preshared_key");
  want(wish.persistent_keepalive == stored.persistent_keepalive, "persistent_keepalive");
  want(wish.pinned == stored.pinned, "pinned");
  want(wish.gateway == stored.gateway, "gateway");
  want(wish.enabled == stored.enabled, "enabled");
  want(AsStored(wish.expires_at) == stored.expires_at, "expires_at");
  return unmet;
}

Error OtherSettings(const PublicKey& key, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return Error{ErrorCode::kAlreadyExists, "peer " + key.ToBase64() +
                                              " is there already with other settings (" + list +
                                              "); change it, or delete it first"};
}

Result<Peer> Apply(const PeerPatch& patch, const Peer& stored) {
  Peer peer = stored.Clone();
  if (patch.name) peer.name = *patch.name;
  if (patch.enabled) peer.enabled = *patch.enabled;
  if (patch.pinned) peer.pinned = *patch.pinned;
  if (patch.expires_at) peer.expires_at = AsStored(*patch.expires_at);
  if (patch.persistent_keepalive) peer.persistent_keepalive = *patch.persistent_keepalive;
  if (patch.gateway) peer.gateway = *patch.gateway;
  if (patch.allowed_ips) peer.allowed_ips = *patch.allowed_ips;
  if (auto valid = Validate(peer); !valid) return valid.error();
  return peer;
}

bool SameSettings(const Peer& before, const Peer& after) {
  return UnmetWishes(after, before).empty() &&
         before.preshared_key.has_value() == after.preshared_key.has_value();
}

}  // namespace jitwg::registry
