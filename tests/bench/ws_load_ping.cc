#include "tests/bench/ws_load_ping.h"

#include <algorithm>

namespace jitwg::bench {
namespace {

constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kHeaders = kIpHeader + 8;
constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kEchoRequest = 8;

// RFC 1071; 0 over bytes whose sum is in place and right.
std::uint16_t Checksum(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const std::uint32_t low = i + 1 < bytes.size() ? bytes[i + 1] : 0U;
    sum += static_cast<std::uint32_t>(bytes[i]) << 8 | low;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void Put16(std::span<std::uint8_t> packet, std::size_t at, std::uint16_t value) {
  packet[at] = static_cast<std::uint8_t>(value >> 8);
  packet[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint16_t Get16(std::span<const std::uint8_t> packet, std::size_t at) {
  return static_cast<std::uint16_t>(packet[at] << 8 | packet[at + 1]);
}

}  // namespace

std::vector<std::uint8_t> MakePing(const Ipv4& from, const Ipv4& to, std::uint32_t number,
                                   std::size_t size) {
  std::vector<std::uint8_t> packet(std::max(size, kHeaders), 0x5a);
  const std::span<std::uint8_t> all(packet);
  const std::array<std::uint8_t, 12> start = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 1, 0, 0};
  std::copy(start.begin(), start.end(), packet.begin());
  Put16(all, 2, static_cast<std::uint16_t>(packet.size()));
  std::copy(from.begin(), from.end(), packet.begin() + 12);
  std::copy(to.begin(), to.end(), packet.begin() + 16);
  Put16(all, 10, Checksum(all.first(kIpHeader)));
  const auto icmp = all.subspan(kIpHeader);
  std::fill_n(icmp.begin(), 8, std::uint8_t{0});
  icmp[0] = kEchoRequest;
  Put16(icmp, 4, static_cast<std::uint16_t>(number >> 16));
  Put16(icmp, 6, static_cast<std::uint16_t>(number));
  Put16(icmp, 2, Checksum(icmp));
  return packet;
}

std::optional<std::uint32_t> PingReplyNumber(std::span<const std::uint8_t> packet, const Ipv4& to) {
  if (packet.size() < kHeaders || packet[0] != 0x45 || packet[9] != 1) return std::nullopt;
  const std::size_t length = Get16(packet, 2);
  if (length < kHeaders || length > packet.size()) return std::nullopt;
  if (!std::equal(to.begin(), to.end(), packet.begin() + 16)) return std::nullopt;
  const auto icmp = packet.first(length).subspan(kIpHeader);
  if (icmp[0] != kEchoReply || Checksum(packet.first(kIpHeader)) != 0 || Checksum(icmp) != 0) {
    return std::nullopt;
  }
  return std::uint32_t{Get16(icmp, 4)} << 16 | Get16(icmp, 6);
}

}  // namespace jitwg::bench
