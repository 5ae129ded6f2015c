// The peer registry: who may connect, with which addresses. One interface, several stores (SQLite,
// PostgreSQL, HTTP, a fake), all held to the one contract suite in tests/registry.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/result.h"
#include "lib/registry/sightings.h"

namespace jitwg::registry {

inline constexpr std::size_t kMaxAllowedIps = 128;
inline constexpr std::size_t kMaxNameLength = 128;
inline constexpr std::size_t kMaxNetworkLength = 63;
inline constexpr std::size_t kMaxListLimit = 1000;

// One row. Move-only because of the secret; Clone() where a copy is meant.
struct Peer {
  PublicKey public_key;
  std::string name;                   // at most kMaxNameLength bytes of UTF-8; may be empty
  std::string network = "default";    // addresses are unique inside one network; 1..63 of [a-z0-9-]
  std::vector<IpPrefix> allowed_ips;  // 1..kMaxAllowedIps
  std::optional<PresharedKey> preshared_key;
  std::uint16_t persistent_keepalive = 0;  // seconds, 0 = off
  bool pinned = false;                     // installed at start, never evicted for being idle
  std::string gateway;  // only this gateway may serve it; empty for any; at most kMaxNameLength
                        // bytes of UTF-8
  bool enabled = true;
  std::optional<WallTime> expires_at;  // times are kept to the microsecond
  WallTime created_at;
  WallTime updated_at;

  Peer Clone() const;
};

// What may be asked of a peer before it is stored, for every store: sizes, names, at least one
// address, no overlap inside the list. kInvalidArgument with one line.
Status Validate(const Peer& peer);

// kNotFound, naming the key.
Error NoSuchPeer(const PublicKey& key);

// The part of it that concerns a network's name.
Status ValidateNetwork(std::string_view network);

// A name for people: at most kMaxNameLength bytes of UTF-8 without control characters. `what` is
// what the message calls it.
Status ValidateLabel(std::string_view what, std::string_view text);

// What may be asked of a report before it is stored: at most kMaxSightings, names, interfaces'
// names, counters below 2^63. kInvalidArgument with one line.
Status Validate(const GatewayReport& report);

struct ListQuery {
  std::string network;             // empty for all
  std::optional<PublicKey> after;  // continue behind this key
  bool pinned_only = false;
  std::size_t limit = 100;  // 1..1000
};

// Whose address it is, and where that peer was.
struct AddressHolder {
  PublicKey public_key;
  std::optional<Endpoint> last_endpoint;  // of its newest sighting by any gateway
};

// A peer was created, changed or removed; or, without a key, anything may have changed (notices
// were lost).
struct Change {
  std::optional<PublicKey> public_key;
};

// Thread-safe. Callbacks run on a thread of the registry, exactly once each, also when the registry
// is destroyed (kUnavailable); they must not block and must not throw.
class Registry {
 public:
  using FindCallback = std::function<void(Result<std::optional<Peer>>)>;
  using ChangeCallback = std::function<void(const Change&)>;

  virtual ~Registry() = default;

  // Looks up one key. nullopt: the registry answered, and there is no such peer. Errors:
  // kUnavailable, kDeadlineExceeded, kDataLoss (a row that makes no sense). Many may be in flight.
  virtual void Find(const PublicKey& key, std::chrono::milliseconds deadline,
                    FindCallback done) = 0;

  // The same at once, when it can be had without waiting for anybody; nullopt: it cannot be known
  // yet, so use Find. Calls nobody back.
  virtual std::optional<Result<std::optional<Peer>>> TryFind(const PublicKey& /*key*/) {
    return std::nullopt;
  }

  // Peers in order of their key, at most query.limit; blocks. kInvalidArgument for a limit out of
  // range.
  virtual Result<std::vector<Peer>> List(const ListQuery& query) = 0;

  // The peer that has `address` among its allowed IPs: there is one at most in a network. An empty
  // `network` is all of them together, and then an address that peers of several networks have is
  // nobody's. nullopt: the registry answered, and it is nobody's. Blocks. kInvalidArgument: no
  // network's name.
  virtual Result<std::optional<AddressHolder>> FindHolder(const std::string& network,
                                                          const IpAddress& address) = 0;

  // Creates the peer, or replaces one of the same key when `replace`. created_at is kept,
  // updated_at set, by the store. kAlreadyExists: the key is there (without replace), or an allowed
  // IP overlaps one of another peer in the network; kInvalidArgument: Validate. Blocks.
  virtual Status Put(const Peer& peer, bool replace) = 0;

  // kNotFound when there is no such peer. Blocks.
  virtual Status Remove(const PublicKey& key) = 0;

  // Calls back for every change from now on, by whichever process made it, within a second. At most
  // one subscriber; an empty function ends it (and returns only when no call is under way).
  virtual void Subscribe(ChangeCallback on_change) = 0;

  // Stores that the gateway is alive and what it saw: of one peer seen by one gateway the newest
  // sighting is kept, whatever the order of the reports. A seen_at of the future counts as now; a
  // sighting of a peer that is not there is left out; a removed peer's sightings go with it. All or
  // nothing, tells no subscriber. kInvalidArgument: Validate. Blocks.
  virtual Status Report(const GatewayReport& report) = 0;

  // OK, or why look-ups fail at present. Cheap, does not block.
  virtual Status Health() = 0;
};

}  // namespace jitwg::registry
