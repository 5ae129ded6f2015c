// What gateways tell the registry: that they are alive, and where they saw which peer. Losing a
// report loses nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"

namespace jitwg::registry {

// Where and when a gateway last saw a peer.
struct Sighting {
  PublicKey public_key;
  std::string gateway;    // its name; set by the store: in a report it is the reporter's
  std::string interface;  // 1..15 bytes
  Endpoint endpoint;      // of the client
  std::optional<WallTime> last_handshake;
  std::uint64_t rx_bytes = 0;  // of this installation of the peer, as the kernel counts
  std::uint64_t tx_bytes = 0;
  WallTime seen_at;
};

struct Gateway {
  std::string name;       // 1..kMaxNameLength bytes of UTF-8
  std::string version;    // at most kMaxNameLength bytes of UTF-8
  std::size_t peers = 0;  // installed there at its last report
  WallTime reported_at;   // set by the store
};

inline constexpr std::size_t kMaxSightings = 1000;

// A gateway's report: that it is alive, and what it saw since the last one.
struct GatewayReport {
  Gateway gateway;
  std::vector<Sighting> sightings;  // at most kMaxSightings
};

}  // namespace jitwg::registry
