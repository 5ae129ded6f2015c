// What gateways tell the registry: that they are alive, and where they saw which peer. Losing a
// report loses nothing else.
#pragma once

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
  std::string gateway;    // its name, 1..kMaxNameLength bytes
  std::string interface;  // 1..15 bytes
  Endpoint endpoint;      // of the client
  std::optional<WallTime> last_handshake;
  std::uint64_t rx_bytes = 0;  // of this installation of the peer, as the kernel counts
  std::uint64_t tx_bytes = 0;
  WallTime seen_at;
};

struct Gateway {
  std::string name;
  std::string version;
  std::size_t peers = 0;  // installed there at its last report
  WallTime reported_at;   // set by the store
};

// A gateway's report: that it is alive, and what it saw since the last one.
struct GatewayReport {
  Gateway gateway;
  std::vector<Sighting> sightings;  // at most 1000; one of an unknown peer is left out
};

}  // namespace jitwg::registry
