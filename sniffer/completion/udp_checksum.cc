#include "sniffer/completion/udp_checksum.h"

#include "sniffer/capture/datagram.h"

namespace jitwg::sniffer {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kChecksumOffset = 6;
constexpr std::uint8_t kProtocolUdp = 17;

struct Addresses {
  std::size_t offset;  // of the source; the destination follows
  std::size_t size;    // of both
};

Addresses AddressesOf(Bytes ip_packet) {
  return ip_packet[0] >> 4 == 4 ? Addresses{12, 8} : Addresses{8, 32};
}

// Ones' complement sum of 16-bit words (RFC 1071); an odd last byte counts as a high one.
std::uint64_t Sum(Bytes bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += (i % 2 == 0) ? std::uint64_t{bytes[i]} << 8 : bytes[i];
  }
  return sum;
}

}  // namespace

bool FillUdpChecksum(std::span<std::uint8_t> ip_packet, std::size_t udp_offset) {
  if (udp_offset + kUdpHeaderSize > ip_packet.size()) return false;
  const Addresses addresses = AddressesOf(ip_packet);
  if (addresses.offset + addresses.size > udp_offset) return false;
  const auto udp = ip_packet.subspan(udp_offset);
  const std::size_t length = std::size_t{udp[4]} << 8 | udp[5];
  if (length < kUdpHeaderSize || length > udp.size()) return false;
  udp[kChecksumOffset] = 0;
  udp[kChecksumOffset + 1] = 0;
  std::uint64_t sum = Sum(ip_packet.subspan(addresses.offset, addresses.size)) + kProtocolUdp +
                      length + Sum(udp.first(length));
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  auto checksum = static_cast<std::uint16_t>(~sum);
  // Zero on the wire means "none".
  if (checksum == 0) checksum = 0xffff;
  udp[kChecksumOffset] = static_cast<std::uint8_t>(checksum >> 8);
  udp[kChecksumOffset + 1] = static_cast<std::uint8_t>(checksum & 0xff);
  return true;
}

}  // namespace jitwg::sniffer
