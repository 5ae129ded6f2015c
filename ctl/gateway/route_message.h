// The rtnetlink requests that make an interface usable, and what the kernel's answers say
// (rtnetlink(7)). Pure. Each encoder writes into `out` (aligned to 4 bytes) and returns the length;
// kInternal when it does not fit. Parsers take datagrams aligned to 4 bytes; false: it is damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ctl/gateway/plan.h"
#include "lib/base/net.h"
#include "lib/base/result.h"

namespace jitwg::ctl {

struct LinkFacts {
  unsigned ifindex = 0;
  std::string name;
  std::string kind;  // "wireguard", "tun", "bridge", ...; empty for hardware
  std::uint32_t mtu = 0;
  bool up = false;
};

struct RouteFacts {
  IpPrefix prefix;
  unsigned ifindex = 0;  // 0: none, or several next hops
};

Result<std::size_t> EncodeGetLink(std::uint32_t sequence, const std::string& name,
                                  std::span<std::uint8_t> out);
bool ParseLink(std::span<const std::uint8_t> datagram, std::optional<LinkFacts>& link);

Result<std::size_t> EncodeNewWireGuard(std::uint32_t sequence, const std::string& name,
                                       std::span<std::uint8_t> out);
Result<std::size_t> EncodeMtuAndUp(std::uint32_t sequence, unsigned ifindex, std::uint32_t mtu,
                                   std::span<std::uint8_t> out);
Result<std::size_t> EncodeRemoveLink(std::uint32_t sequence, unsigned ifindex,
                                     std::span<std::uint8_t> out);

Result<std::size_t> EncodeNewAddress(std::uint32_t sequence, unsigned ifindex,
                                     const InterfaceAddress& address, std::span<std::uint8_t> out);
Result<std::size_t> EncodeDumpAddresses(std::uint32_t sequence, std::span<std::uint8_t> out);
// Appends those of `ifindex`; link-local ones, which the kernel makes by itself, are left out.
bool ParseAddresses(std::span<const std::uint8_t> datagram, unsigned ifindex,
                    std::vector<InterfaceAddress>& addresses);

// In the main table, for whatever is in `prefix`, straight to the interface.
Result<std::size_t> EncodeNewRoute(std::uint32_t sequence, unsigned ifindex, const IpPrefix& prefix,
                                   std::span<std::uint8_t> out);
Result<std::size_t> EncodeDumpRoutes(std::uint32_t sequence, std::span<std::uint8_t> out);
// Appends the unicast routes of the main table.
bool ParseRoutes(std::span<const std::uint8_t> datagram, std::vector<RouteFacts>& routes);

}  // namespace jitwg::ctl
