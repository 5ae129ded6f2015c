// From a captured frame to a UDP datagram with its addresses. Pure and fed with hostile bytes:
// every length is a claim until it was compared with what is there. Must not look inside the UDP
// payload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

#include "lib/base/net.h"
#include "sniffer/capture/link_type.h"

namespace jitwg::sniffer {

// RFC 768.
inline constexpr std::size_t kUdpHeaderSize = 8;

// Why a frame holds no datagram for us; each is a metric label.
enum class DatagramError : std::uint8_t {
  kTruncated,        // the captured bytes end before the datagram does
  kNotIp,            // neither IPv4 nor IPv6, or more than three VLAN tags
  kBadIpHeader,      // version or header length contradict themselves
  kBadIpChecksum,    // the kernel drops these too (net/ipv4/ip_input.c)
  kBadIpLength,      // total length shorter than the header or longer than the packet on the wire
  kFragment,         // any fragment, also an IPv6 "atomic" one
  kExtensionHeader,  // IPv6 extension headers that end nowhere, are too many or would make the
                     // kernel pass it on
  kNotUdp,
  kBadUdpLength,  // shorter than its header or longer than the IP payload
  kBadSource,     // cannot be answered: unspecified, multicast or broadcast address, or port 0
};
inline constexpr std::size_t kDatagramErrorCount = 10;

// Lower-case label, e.g. "bad_udp_length".
std::string_view ToString(DatagramError error);

// What the kernel's packet type says (linux/if_packet.h); only cooked frames know it.
enum class PacketDirection : std::uint8_t { kUnknown, kIncoming, kOutgoing, kOtherHost };

struct FrameContext {
  LinkType link_type = LinkType::kEthernet;
  // The frame's length before the capture cut it; taken as the captured length when smaller.
  std::size_t wire_length = 0;
  // Where it was captured, 0 if unknown. A cooked v2 frame's own index wins.
  std::uint32_t ifindex = 0;
  // Off for captures from elsewhere: a sender's own capture shows checksums its hardware had yet to
  // fill in.
  bool verify_ip_checksum = true;
};

// Views into the frame; valid as long as its bytes are.
struct Datagram {
  Endpoint source;  // scope_id is set for link-local IPv6 when the interface is known
  Endpoint destination;
  std::uint32_t ifindex = 0;
  PacketDirection direction = PacketDirection::kUnknown;
  std::span<const std::uint8_t>
      ip_packet;  // IP header to the end of the IP packet, without link-layer padding
  std::span<const std::uint8_t> payload;  // of the UDP datagram
  // The frame from behind its outermost EtherType to the end of the IP packet: the IP packet, with
  // what VLAN tags there are before it, the first without its own EtherType.
  std::span<const std::uint8_t> link_payload;
  std::uint16_t protocol = 0;  // that EtherType (linux/if_ether.h)
};

// The UDP checksum is not verified: where the sender is on the same host or virtual machine, or the
// card checks it, a captured packet carries only a partial one, and the kernel that gets the packet
// verifies it anyway. IPv4 options, up to three VLAN tags (802.1Q, 802.1ad), trailing padding and
// IPv6 hop-by-hop, destination and used-up routing headers are passed over.
tl::expected<Datagram, DatagramError> DecodeDatagram(std::span<const std::uint8_t> frame,
                                                     const FrameContext& context);

}  // namespace jitwg::sniffer
