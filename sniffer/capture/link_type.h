// The link layers whose frames the capture room can read. Knows libpcap's numbers (DLT_*) but
// nothing else of libpcap.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace jitwg::sniffer {

enum class LinkType : std::uint8_t {
  kEthernet,   // DLT_EN10MB, also Linux' loopback and veth
  kRawIp,      // DLT_RAW: starts with the IP header, either version
  kIpv4,       // DLT_IPV4
  kIpv6,       // DLT_IPV6
  kLinuxSll,   // DLT_LINUX_SLL, "cooked" v1
  kLinuxSll2,  // DLT_LINUX_SLL2, "cooked" v2: carries the interface index
  kBsdNull,    // DLT_NULL: 4 bytes of address family in the capturing host's order
  kBsdLoop,    // DLT_LOOP: the same in network order
};

// nullopt for a link type that is not in the list above.
std::optional<LinkType> LinkTypeFromDlt(int dlt);
int DltOf(LinkType type);

// libpcap's name in lower case, e.g. "en10mb".
std::string_view ToString(LinkType type);

}  // namespace jitwg::sniffer
