// IPv4 (RFC 791) and IPv6 (RFC 8200) headers, read as the kernel's input path reads them. Stops at
// the UDP header.
#include "sniffer/capture/layers.h"

namespace jitwg::sniffer::layers {
namespace {

constexpr std::uint8_t kProtocolUdp = 17;
constexpr std::size_t kIpv4MinHeader = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr int kMaxExtensionHeaders = 8;

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragmentHeader = 44;
constexpr std::uint8_t kEsp = 50;
constexpr std::uint8_t kAuthentication = 51;
constexpr std::uint8_t kDestinationOptions = 60;
constexpr std::uint8_t kMobility = 135;

// RFC 1071; over a header with a right checksum the folded sum is all ones.
bool ChecksumHolds(Bytes header) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < header.size(); at += 2) sum += Read16(header, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

// `claimed` is the whole packet's length as its header states it. Padding behind it is cut off.
Expected<Rest> CutToLength(Rest packet, std::size_t claimed, std::size_t header) {
  if (claimed < header || claimed > packet.wire) return Refuse(DatagramError::kBadIpLength);
  return packet.First(claimed);
}

struct ExtensionWalk {
  std::uint8_t next;
  Rest rest;
};

// One hop-by-hop, destination or routing header: next header, length in 8-byte units beyond the
// first.
Expected<ExtensionWalk> SkipExtension(std::uint8_t kind, Rest rest) {
  if (!rest.Has(8)) {
    return Refuse(rest.wire < 8 ? DatagramError::kExtensionHeader : DatagramError::kTruncated);
  }
  const std::size_t length = (std::size_t{rest.captured[1]} + 1) * 8;
  if (length > rest.wire) return Refuse(DatagramError::kExtensionHeader);
  if (!rest.Has(length)) return Refuse(DatagramError::kTruncated);
  // Segments left: this host is not the last stop, the kernel would forward or drop it.
  if (kind == kRouting && rest.captured[3] != 0) return Refuse(DatagramError::kExtensionHeader);
  return ExtensionWalk{rest.captured[0], rest.From(length)};
}

Expected<Rest> WalkToUdp(std::uint8_t next, Rest rest) {
  for (int headers = 0; headers <= kMaxExtensionHeaders; ++headers) {
    if (next == kProtocolUdp) return rest;
    if (next == kFragmentHeader) return Refuse(DatagramError::kFragment);
    if (next == kAuthentication || next == kEsp || next == kMobility) {
      return Refuse(DatagramError::kExtensionHeader);
    }
    if (next != kHopByHop && next != kRouting && next != kDestinationOptions) {
      return Refuse(DatagramError::kNotUdp);
    }
    const auto step = SkipExtension(next, rest);
    if (!step) return Refuse(step.error());
    next = step->next;
    rest = step->rest;
  }
  return Refuse(DatagramError::kExtensionHeader);
}

}  // namespace

Expected<IpPayload> UnwrapIpv4(Rest packet, bool verify_checksum) {
  if (!packet.Has(kIpv4MinHeader)) return Refuse(DatagramError::kTruncated);
  const Bytes bytes = packet.captured;
  const std::size_t header = std::size_t{bytes[0]} % 16 * 4;
  if (bytes[0] >> 4 != 4 || header < kIpv4MinHeader) return Refuse(DatagramError::kBadIpHeader);
  if (!packet.Has(header)) return Refuse(DatagramError::kTruncated);
  if (verify_checksum && !ChecksumHolds(bytes.first(header))) {
    return Refuse(DatagramError::kBadIpChecksum);
  }
  const auto cut = CutToLength(packet, Read16(bytes, 2), header);
  if (!cut) return Refuse(cut.error());
  // More-fragments or an offset; the reserved and the don't-fragment bit do not matter.
  if ((Read16(bytes, 6) & 0x3fff) != 0) return Refuse(DatagramError::kFragment);
  if (bytes[9] != kProtocolUdp) return Refuse(DatagramError::kNotUdp);
  return IpPayload{IpAddress::V4(bytes.subspan<12, 4>()), IpAddress::V4(bytes.subspan<16, 4>()),
                   *cut, cut->From(header)};
}

Expected<IpPayload> UnwrapIpv6(Rest packet) {
  if (!packet.Has(kIpv6Header)) return Refuse(DatagramError::kTruncated);
  const Bytes bytes = packet.captured;
  if (bytes[0] >> 4 != 6) return Refuse(DatagramError::kBadIpHeader);
  // A payload length of 0 (jumbogram) is no datagram of ours; it ends below as one without a UDP
  // header.
  const auto cut = CutToLength(packet, kIpv6Header + Read16(bytes, 4), kIpv6Header);
  if (!cut) return Refuse(cut.error());
  const auto udp = WalkToUdp(bytes[6], cut->From(kIpv6Header));
  if (!udp) return Refuse(udp.error());
  return IpPayload{IpAddress::V6(bytes.subspan<8, 16>()), IpAddress::V6(bytes.subspan<24, 16>()),
                   *cut, *udp};
}

}  // namespace jitwg::sniffer::layers
