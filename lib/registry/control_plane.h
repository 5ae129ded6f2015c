// What the peer API does with the registry beside look-ups: networks with their address pools,
// creation with an address out of a pool, partial changes, and where peers were seen. One interface
// for each store (SQLite, PostgreSQL), held to one contract suite in tests/registry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/result.h"
#include "lib/registry/registry.h"
#include "lib/registry/sightings.h"

namespace jitwg::registry {

inline constexpr std::size_t kMaxPools = 8;

// Peers may be in a network that has no row here; then nothing is allocated for them.
struct Network {
  std::string name;             // as Peer::network
  std::vector<IpPrefix> pools;  // at most kMaxPools, none overlapping; new peers get one address
                                // (/32 or /128) of each family, out of its first pool with one left
  WallTime created_at;          // set by the store
};

// Sizes, the name, pools that do not overlap and are large enough to give an address (an IPv4 pool
// has at least 4, an IPv6 pool 2). kInvalidArgument with one line.
Status Validate(const Network& network);

struct PeerFilter {
  ListQuery query;  // network, after, pinned_only, limit
  std::optional<bool> enabled;
  std::optional<std::string> name_contains;  // case-insensitive for ASCII
  std::optional<std::string> gateway;        // bound to this gateway
};

// What shall change; unset: stays. `expires_at` set to nullopt inside: never expires.
struct PeerPatch {
  std::optional<std::string> name;
  std::optional<bool> enabled;
  std::optional<bool> pinned;
  std::optional<std::optional<WallTime>> expires_at;
  std::optional<std::uint16_t> persistent_keepalive;
  std::optional<std::string> gateway;
  std::optional<std::vector<IpPrefix>> allowed_ips;
};

struct CreatedPeer {
  Peer peer;             // as stored
  bool created = false;  // false: it was there already with the same wishes
};

// As Validate(const Peer&), but addresses may be left to the store.
Status ValidateWish(const Peer& wish);

// The names of the settings in which `stored` is not what `wish` asks for; see
// ControlPlane::Create. Whoever wishes no addresses or no preshared key takes what is stored.
std::vector<std::string> UnmetWishes(const Peer& wish, const Peer& stored);
// kAlreadyExists, naming them.
Error OtherSettings(const PublicKey& key, const std::vector<std::string>& names);

// `stored` with the patch applied. kInvalidArgument when the outcome is no valid peer.
Result<Peer> Apply(const PeerPatch& patch, const Peer& stored);

// Whether a patch that made `after` of `before` changed anything that is stored.
bool SameSettings(const Peer& before, const Peer& after);

// Thread-safe; every call blocks, for a few seconds at most. Errors besides those named:
// kUnavailable and kDeadlineExceeded (the store is away), kPermissionDenied, kDataLoss.
class ControlPlane {
 public:
  virtual ~ControlPlane() = default;

  // Creates the peer in one transaction. Where `wish.allowed_ips` is empty, each family that the
  // network has a pool for gives the lowest free address of its first pool with one left (never a
  // pool's first address, which is the gateway's; for IPv4 never its last). The same key with the
  // same wishes again returns the stored one: allocated addresses count as wished, and a generated
  // preshared key too if `wish` has none. kAlreadyExists: the key is there with other settings, or
  // an address is taken; kNotFound: addresses are to be allocated and the network is unknown;
  // kFailedPrecondition: it has no pools; kResourceExhausted: they are used up; kInvalidArgument.
  virtual Result<CreatedPeer> Create(const Peer& wish) = 0;

  // nullopt: no such peer.
  virtual Result<std::optional<Peer>> Get(const PublicKey& key) = 0;

  // In order of the key, at most filter.query.limit. kInvalidArgument for a limit out of range.
  virtual Result<std::vector<Peer>> Search(const PeerFilter& filter) = 0;

  // One transaction; returns the peer as it is then. kNotFound; kAlreadyExists: an address is
  // taken; kInvalidArgument. A patch that changes nothing leaves updated_at and tells nobody.
  virtual Result<Peer> Update(const PublicKey& key, const PeerPatch& patch) = 0;

  // kNotFound.
  virtual Status Delete(const PublicKey& key) = 0;

  // Creates the network or replaces its pools. Peers keep their addresses. kInvalidArgument.
  virtual Status PutNetwork(const Network& network) = 0;
  // By name.
  virtual Result<std::vector<Network>> ListNetworks() = 0;
  // kNotFound; kFailedPrecondition: it has peers.
  virtual Status DeleteNetwork(const std::string& name) = 0;

  // By name, those that ever reported.
  virtual Result<std::vector<Gateway>> ListGateways() = 0;
  // The newest sighting of each of these keys by each gateway, keys in the order given, gateways by
  // name.
  virtual Result<std::vector<Sighting>> SightingsOf(const std::vector<PublicKey>& keys) = 0;

  // OK, or why calls fail at present.
  virtual Status Health() = 0;
};

}  // namespace jitwg::registry
