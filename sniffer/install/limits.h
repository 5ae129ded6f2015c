// The bounds that every WireGuard back end keeps, so that a hostile reply or request cannot take
// memory without end.
#pragma once

#include <chrono>
#include <cstddef>

namespace jitwg::sniffer {

// Changes in one WireGuardDevice::Apply call.
inline constexpr std::size_t kMaxChangesPerApply = 256;

// Allowed IPs of one peer in a change. 1024 IPv6 entries are 40 kB, so that one peer always fits
// one netlink message.
inline constexpr std::size_t kMaxAllowedIpsPerChange = 1024;

// The kernel's own bound (MAX_PEERS_PER_DEVICE, drivers/net/wireguard/device.h).
inline constexpr std::size_t kMaxPeersInDump = 1u << 20;

// Allowed IPs of all peers of a dump together.
inline constexpr std::size_t kMaxAllowedIpsInDump = 1u << 22;

// One request and its answer.
inline constexpr std::chrono::milliseconds kCallTimeout{3000};

// A whole dump of peers: half a million took 4.6 s on a slow machine.
inline constexpr std::chrono::milliseconds kDumpTimeout{30000};

}  // namespace jitwg::sniffer
