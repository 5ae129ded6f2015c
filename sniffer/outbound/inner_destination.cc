#include "sniffer/outbound/inner_destination.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;

bool IsSomebodysIpv4(std::span<const std::uint8_t, 4> address) {
  const bool link_local = address[0] == 169 && address[1] == 254;
  // From 224 on: multicast, reserved, broadcast.
  return address[0] != 0 && address[0] != 127 && address[0] < 224 && !link_local;
}

bool IsSomebodysIpv6(std::span<const std::uint8_t, 16> address) {
  const bool link_local = address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
  // 0000::/8 has the unspecified and the loopback address.
  return address[0] != 0 && address[0] != 0xff && !link_local;
}

}  // namespace

std::optional<IpAddress> InnerDestination(std::span<const std::uint8_t> packet) {
  if (packet.empty()) return std::nullopt;
  const int version = packet[0] >> 4;
  if (version == 4 && packet.size() >= kIpv4Header) {
    const auto address = packet.subspan<16, 4>();
    if (IsSomebodysIpv4(address)) return IpAddress::V4(address);
  } else if (version == 6 && packet.size() >= kIpv6Header) {
    const auto address = packet.subspan<24, 16>();
    if (IsSomebodysIpv6(address)) return IpAddress::V6(address);
  }
  return std::nullopt;
}

}  // namespace jitwg::sniffer
