// Link-layer headers: Ethernet with VLAN tags, Linux cooked, BSD loopback, none at all. Stops at
// the IP header.
#include "sniffer/capture/layers.h"

namespace jitwg::sniffer::layers {
namespace {

constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kSllHeader = 16;
constexpr std::size_t kSll2Header = 20;
constexpr std::size_t kVlanTag = 4;
constexpr std::size_t kMaxVlanTags = 3;

bool IsVlan(std::uint16_t ether_type) {
  return ether_type == 0x8100 || ether_type == 0x88a8 || ether_type == 0x9100;
}

LinkPayload Ipv4(Rest packet) {
  return LinkPayload{.network = Network::kIpv4, .packet = packet, .protocol = kEtherTypeIpv4};
}
LinkPayload Ipv6(Rest packet) {
  return LinkPayload{.network = Network::kIpv6, .packet = packet, .protocol = kEtherTypeIpv6};
}

Expected<LinkPayload> FromEtherType(std::uint16_t ether_type, Rest rest) {
  const std::uint16_t outermost = ether_type;
  std::size_t tags = 0;
  for (; IsVlan(ether_type); ++tags) {
    if (tags == kMaxVlanTags) return Refuse(DatagramError::kNotIp);
    if (!rest.Has(kVlanTag)) return Refuse(DatagramError::kTruncated);
    ether_type = Read16(rest.captured, 2);
    rest = rest.From(kVlanTag);
  }
  if (ether_type != kEtherTypeIpv4 && ether_type != kEtherTypeIpv6) {
    return Refuse(DatagramError::kNotIp);
  }
  auto payload = ether_type == kEtherTypeIpv4 ? Ipv4(rest) : Ipv6(rest);
  payload.protocol = outermost;
  payload.tag_bytes = tags * kVlanTag;
  return payload;
}

// linux/if_packet.h: PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3, OUTGOING 4.
PacketDirection DirectionOf(unsigned packet_type) {
  if (packet_type <= 2) return PacketDirection::kIncoming;
  if (packet_type == 3) return PacketDirection::kOtherHost;
  return packet_type == 4 ? PacketDirection::kOutgoing : PacketDirection::kUnknown;
}

Expected<LinkPayload> UnwrapEthernet(Rest frame) {
  if (!frame.Has(kEthernetHeader)) return Refuse(DatagramError::kTruncated);
  return FromEtherType(Read16(frame.captured, 12), frame.From(kEthernetHeader));
}

Expected<LinkPayload> UnwrapSll(Rest frame) {
  if (!frame.Has(kSllHeader)) return Refuse(DatagramError::kTruncated);
  auto payload = FromEtherType(Read16(frame.captured, 14), frame.From(kSllHeader));
  if (payload) payload->direction = DirectionOf(Read16(frame.captured, 0));
  return payload;
}

Expected<LinkPayload> UnwrapSll2(Rest frame) {
  if (!frame.Has(kSll2Header)) return Refuse(DatagramError::kTruncated);
  auto payload = FromEtherType(Read16(frame.captured, 0), frame.From(kSll2Header));
  if (payload) {
    payload->ifindex = Read32(frame.captured, 4);
    payload->direction = DirectionOf(frame.captured[10]);
  }
  return payload;
}

Expected<LinkPayload> FromVersionNibble(Rest packet) {
  if (!packet.Has(1)) return Refuse(DatagramError::kTruncated);
  const int version = packet.captured[0] >> 4;
  if (version == 4) return Ipv4(packet);
  if (version == 6) return Ipv6(packet);
  return Refuse(DatagramError::kNotIp);
}

// AF_INET6 is 10 on Linux, 24, 28 or 30 on the BSDs and macOS; AF_INET is 2 everywhere.
Expected<LinkPayload> FromAddressFamily(std::uint32_t family, Rest packet) {
  if (family == 2) return Ipv4(packet);
  if (family == 10 || family == 24 || family == 28 || family == 30) {
    return Ipv6(packet);
  }
  return Refuse(DatagramError::kNotIp);
}

Expected<LinkPayload> UnwrapBsd(LinkType type, Rest frame) {
  if (!frame.Has(4)) return Refuse(DatagramError::kTruncated);
  std::uint32_t family = Read32(frame.captured, 0);
  // DLT_NULL is in the order of whichever host made the capture; all families fit into one byte.
  if (type == LinkType::kBsdNull && family > 0xffff) family = __builtin_bswap32(family);
  return FromAddressFamily(family, frame.From(4));
}

}  // namespace

Expected<LinkPayload> UnwrapLink(LinkType type, Rest frame) {
  switch (type) {
    case LinkType::kEthernet:
      return UnwrapEthernet(frame);
    case LinkType::kRawIp:
      return FromVersionNibble(frame);
    case LinkType::kIpv4:
      return Ipv4(frame);
    case LinkType::kIpv6:
      return Ipv6(frame);
    case LinkType::kLinuxSll:
      return UnwrapSll(frame);
    case LinkType::kLinuxSll2:
      return UnwrapSll2(frame);
    case LinkType::kBsdNull:
    case LinkType::kBsdLoop:
      return UnwrapBsd(type, frame);
  }
  return Refuse(DatagramError::kNotIp);
}

}  // namespace jitwg::sniffer::layers
