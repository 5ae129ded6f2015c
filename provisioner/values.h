// What passes between the provisioner and the sniffer, as plain values: the protocol's messages
// after every byte of them was checked. Knows no transport.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/tai64n.h"

namespace jitwg::provisioner {

// A caller who proved to hold the private key of `public_key`; the sniffer saw to that.
struct HandshakeEvent {
  std::uint64_t initiation_id = 0;
  std::string interface;
  PublicKey public_key;
  Endpoint source;
  Tai64n timestamp;
  WallTime captured_at;
  bool already_installed = false;
};

// The gateway has a packet for an address that no installed peer has.
struct OutboundDemand {
  std::uint64_t demand_id = 0;
  std::string interface;
  IpAddress destination;  // inside the tunnel
  WallTime asked_at;
};

enum class Completion { kSnifferDefault, kRetry, kInitiate, kReinject, kHold };

// Move-only because of the secret; Clone() where a copy is meant.
struct PeerSpec {
  PublicKey public_key;
  std::optional<PresharedKey> preshared_key;
  std::vector<IpPrefix> allowed_ips;
  std::uint16_t persistent_keepalive = 0;  // seconds, 0 = off
  std::uint64_t initiation_id = 0;         // 0: no initiation asks for it
  std::uint64_t demand_id = 0;             // 0: no packet of the gateway's does either
  // With demand_id: where the peer may be, should the sniffer not know better.
  std::optional<Endpoint> suggested_endpoint;

  PeerSpec Clone() const {
    PeerSpec copy;
    copy.public_key = public_key;
    if (preshared_key) copy.preshared_key = preshared_key->Clone();
    copy.allowed_ips = allowed_ips;
    copy.persistent_keepalive = persistent_keepalive;
    copy.initiation_id = initiation_id;
    copy.demand_id = demand_id;
    copy.suggested_endpoint = suggested_endpoint;
    return copy;
  }
};

// As PeerOutcome in peer_installer.proto. kUnspecified is what a newer sniffer may send.
enum class PeerOutcome {
  kUnspecified,
  kInstalled,
  kUnchanged,
  kUpdated,
  kRemoved,
  kAbsent,
  kRefusedPrefix,
  kRefusedAddressTaken,
  kRefusedOwnKey,
  kRefusedForeign,
  kRefusedCap,
  kFailed,
  kNoEndpoint,
};

struct PeerResult {
  PublicKey public_key;
  PeerOutcome outcome = PeerOutcome::kUnspecified;
  std::string message;
};

struct PeerState {
  PublicKey public_key;
  bool own = false;  // installed by jitwg
  std::vector<IpPrefix> allowed_ips;
  std::optional<Endpoint> endpoint;
  std::optional<WallTime> last_handshake;  // unset: never completed
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::uint16_t persistent_keepalive = 0;
  bool has_preshared_key = false;
  std::optional<std::chrono::nanoseconds> installed_for;
  std::optional<Tai64n> newest_timestamp;
};

struct PeerList {
  std::vector<PeerState> peers;
  // The kernel's list changed while it was read: a peer may be missing.
  bool interrupted = false;
};

struct InterfaceState {
  std::string interface;
  bool present = false;
  std::vector<IpPrefix> allowed_prefixes;
  std::uint32_t max_peers = 0;
  std::uint64_t generation = 0;
};

// A peer of one interface, as a map's key.
struct PeerId {
  std::string interface;
  PublicKey public_key;

  bool operator==(const PeerId&) const = default;
};

struct PeerIdHash {
  std::size_t operator()(const PeerId& id) const {
    return PublicKeyHash{}(id.public_key) ^ std::hash<std::string>{}(id.interface);
  }
};

}  // namespace jitwg::provisioner
