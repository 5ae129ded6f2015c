#include "sniffer/capture/filter.h"

#include <set>

namespace jitwg::sniffer {
namespace {

// No frame is shorter than 0 bytes: never true, and compiles on every link type.
constexpr const char* kNothing = "less 0 and greater 1";

// Shortest: IPv4 header 20 + UDP 8 + 148. The kernel runs the filter of a cooked socket on the
// packet without the cooked header, user space with it: only Ethernet's 14 bytes can be counted on.
constexpr int kShortestPacket = 176;
constexpr int kEthernetExtra = 14;
// Longest: Ethernet 14 or cooked 20, three VLAN tags 12, IPv4 with options 60 + 156 = 248; rounded
// up as measured.
constexpr int kLongestFrame = 254;

std::string PortTest(const std::set<std::uint16_t>& ports) {
  std::string text;
  for (const std::uint16_t port : ports) {
    text += (text.empty() ? "" : " or ") + ("udp dst port " + std::to_string(port));
  }
  return "(" + text + ")";
}

}  // namespace

std::string InitiationFilter(std::span<const std::uint16_t> ports, LinkType link_type) {
  std::set<std::uint16_t> unique(ports.begin(), ports.end());
  unique.erase(0);
  if (unique.empty()) return kNothing;
  const int shortest = kShortestPacket + (link_type == LinkType::kEthernet ? kEthernetExtra : 0);
  // `udp[...]` means IPv4 only; IPv6 needs fixed offsets: UDP length at 44, type word at 48.
  const std::string any_port = PortTest(unique);
  return "greater " + std::to_string(shortest) + " and less " + std::to_string(kLongestFrame) +
         " and ((ip and " + any_port + " and udp[4:2]=156 and udp[8:4]=0x01000000) or (ip6 and " +
         any_port + " and ip6[44:2]=156 and ip6[48:4]=0x01000000))";
}

}  // namespace jitwg::sniffer
