// Where a packet inside the tunnel goes. Pure, and fed with whatever somebody routes here; looks at
// nothing behind the address.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "lib/base/net.h"

namespace jitwg::sniffer {

// Of the IP header's captured bytes, 20 (IPv4) or 40 (IPv6); the rest may be cut off.
inline constexpr int kInnerHeader = 40;

// `packet` begins with an IP header (link type raw). nullopt: it is no such header, or the
// destination is nobody's own: multicast, broadcast, unspecified, loopback, link-local.
std::optional<IpAddress> InnerDestination(std::span<const std::uint8_t> packet);

}  // namespace jitwg::sniffer
