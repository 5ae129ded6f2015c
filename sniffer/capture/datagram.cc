#include "sniffer/capture/datagram.h"

#include <algorithm>

#include "sniffer/capture/layers.h"

namespace jitwg::sniffer {
namespace {

using layers::Expected;
using layers::IpPayload;
using layers::Read16;
using layers::Refuse;
using layers::Rest;

bool IsLinkLocalV6(const IpAddress& address) {
  return !address.is_v4() && address.bytes()[0] == 0xfe && (address.bytes()[1] & 0xc0) == 0x80;
}

// Sources the kernel's input path refuses as martian or bogus, and to which no answer can go.
bool CanBeAnswered(const Endpoint& source) {
  const auto bytes = source.address.bytes();
  const bool unspecified =
      std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
  if (unspecified || source.port == 0) return false;
  if (!source.address.is_v4()) return bytes[0] != 0xff;
  const bool multicast = bytes[0] >= 224 && bytes[0] < 240;
  const bool broadcast =
      std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 255; });
  return !multicast && !broadcast;
}

Endpoint MakeEndpoint(const IpAddress& address, std::uint16_t port, std::uint32_t ifindex) {
  return Endpoint{address, port, IsLinkLocalV6(address) ? ifindex : 0};
}

Expected<Datagram> UnwrapUdp(const IpPayload& ip, std::uint32_t ifindex) {
  const Rest& udp = ip.payload;
  if (udp.wire < kUdpHeaderSize) return Refuse(DatagramError::kBadUdpLength);
  if (!udp.Has(kUdpHeaderSize)) return Refuse(DatagramError::kTruncated);
  // Shorter than the IP payload is fine: the kernel trims (net/ipv4/udp.c, __udp4_lib_rcv).
  const std::size_t length = Read16(udp.captured, 4);
  if (length < kUdpHeaderSize || length > udp.wire) return Refuse(DatagramError::kBadUdpLength);
  if (!udp.Has(length)) return Refuse(DatagramError::kTruncated);
  Datagram datagram;
  datagram.source = MakeEndpoint(ip.source, Read16(udp.captured, 0), ifindex);
  datagram.destination = MakeEndpoint(ip.destination, Read16(udp.captured, 2), ifindex);
  if (!CanBeAnswered(datagram.source)) return Refuse(DatagramError::kBadSource);
  datagram.ifindex = ifindex;
  datagram.ip_packet = ip.packet.captured;
  datagram.payload = udp.captured.subspan(kUdpHeaderSize, length - kUdpHeaderSize);
  return datagram;
}

}  // namespace

std::string_view ToString(DatagramError error) {
  switch (error) {
    case DatagramError::kTruncated:
      return "truncated";
    case DatagramError::kNotIp:
      return "not_ip";
    case DatagramError::kBadIpHeader:
      return "bad_ip_header";
    case DatagramError::kBadIpChecksum:
      return "bad_ip_checksum";
    case DatagramError::kBadIpLength:
      return "bad_ip_length";
    case DatagramError::kFragment:
      return "fragment";
    case DatagramError::kExtensionHeader:
      return "extension_header";
    case DatagramError::kNotUdp:
      return "not_udp";
    case DatagramError::kBadUdpLength:
      return "bad_udp_length";
    case DatagramError::kBadSource:
      return "bad_source";
  }
  return "unknown";
}

tl::expected<Datagram, DatagramError> DecodeDatagram(std::span<const std::uint8_t> frame,
                                                     const FrameContext& context) {
  const Rest whole{frame, std::max(context.wire_length, frame.size())};
  const auto link = layers::UnwrapLink(context.link_type, whole);
  if (!link) return Refuse(link.error());
  const auto ip = link->network == layers::Network::kIpv4
                      ? layers::UnwrapIpv4(link->packet, context.verify_ip_checksum)
                      : layers::UnwrapIpv6(link->packet);
  if (!ip) return Refuse(ip.error());
  auto datagram = UnwrapUdp(*ip, link->ifindex != 0 ? link->ifindex : context.ifindex);
  if (!datagram) return datagram;
  datagram->direction = link->direction;
  datagram->protocol = link->protocol;
  datagram->link_payload = {datagram->ip_packet.data() - link->tag_bytes,
                            datagram->ip_packet.size() + link->tag_bytes};
  return datagram;
}

}  // namespace jitwg::sniffer
