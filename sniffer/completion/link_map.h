// The host's network interfaces and how they stand on one another, to find out where the IP stack
// takes a captured packet in. Pure, but for its parser's input.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace jitwg::sniffer {

struct Link {
  unsigned ifindex = 0;
  unsigned master = 0;  // the bridge, bond, VRF ... it belongs to; 0: none
  unsigned lower = 0;   // what a VLAN interface stands on; 0: none
  std::uint16_t vlan_id = 0;
  std::string kind;  // "vlan", "bridge", ...; empty for hardware
  std::string name;
  std::string alias;
};

// Appends what one datagram of an RTM_GETLINK dump tells. False: it is damaged. `datagram` is
// aligned to 4 bytes.
bool ParseLinks(std::span<const std::uint8_t> datagram, std::vector<Link>& links);

// A packet was seen on `ifindex` with these VLAN ids, the outermost first: on which interface does
// the IP stack take it in? That is the VLAN interface, the bridge, the bond on top; the interface
// itself when nothing is. nullopt: it is not there, or nothing takes its VLAN.
std::optional<unsigned> InputInterface(std::span<const Link> links, unsigned ifindex,
                                       std::span<const std::uint16_t> vlan_ids);

}  // namespace jitwg::sniffer
