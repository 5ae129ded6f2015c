#include "tests/support/frames.h"

#include "lib/base/net.h"

namespace jitwg::test {
namespace {

using sniffer::LinkType;

void Put8(ByteVector& out, unsigned value) { out.push_back(static_cast<std::uint8_t>(value)); }
void Put16(ByteVector& out, unsigned value) {
  Put8(out, value >> 8);
  Put8(out, value);
}
void Put32(ByteVector& out, std::uint32_t value) {
  Put16(out, value >> 16);
  Put16(out, value & 0xffff);
}
void Append(ByteVector& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

unsigned Lie(std::size_t length, int lie) {
  return static_cast<unsigned>(static_cast<int>(length) + lie);
}

void FillChecksum(ByteVector& header) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < header.size(); at += 2) {
    sum += static_cast<std::uint32_t>(header[at] << 8 | header[at + 1]);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  header[10] = static_cast<std::uint8_t>(~sum >> 8);
  header[11] = static_cast<std::uint8_t>(~sum);
}

ByteVector Ipv4Header(const FrameSpec& spec, std::size_t udp_size) {
  const std::size_t size = 20 + spec.ipv4_options.size();
  ByteVector out;
  Put8(out, static_cast<unsigned>(0x40 + size / 4));
  Put8(out, 0);
  Put16(out, Lie(size + udp_size, spec.ip_length_lie));
  Put16(out, 0x1234);
  Put16(out, spec.fragment_field);
  Put8(out, 64);
  Put8(out, spec.protocol);
  Put16(out, 0);
  Append(out, IpAddress::Parse(spec.source)->bytes());
  Append(out, IpAddress::Parse(spec.destination)->bytes());
  Append(out, spec.ipv4_options);
  FillChecksum(out);
  return out;
}

ByteVector Ipv6Header(const FrameSpec& spec, std::size_t udp_size) {
  ByteVector out;
  Put32(out, 0x60000000);
  Put16(out, Lie(spec.extension_headers.size() + udp_size, spec.ip_length_lie));
  Put8(out, spec.first_next_header);
  Put8(out, 64);
  Append(out, IpAddress::Parse(spec.source)->bytes());
  Append(out, IpAddress::Parse(spec.destination)->bytes());
  Append(out, spec.extension_headers);
  return out;
}

ByteVector LinkHeader(const FrameSpec& spec, std::uint16_t ether_type) {
  ByteVector out;
  switch (spec.link_type) {
    case LinkType::kEthernet:
      out = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
      Put16(out, ether_type);
      break;
    case LinkType::kLinuxSll:
      Put16(out, spec.sll_packet_type);
      Append(out, ByteVector{0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0});
      Put16(out, ether_type);
      break;
    case LinkType::kLinuxSll2:
      Put16(out, ether_type);
      Put16(out, 0);
      Put32(out, spec.sll2_ifindex);
      Put16(out, 1);
      Put8(out, spec.sll_packet_type);
      Append(out, ByteVector{6, 2, 0, 0, 0, 0, 2, 0, 0});
      break;
    case LinkType::kBsdNull:
      out = {static_cast<std::uint8_t>(ether_type == 0x0800 ? 2 : 30), 0, 0, 0};
      break;
    case LinkType::kBsdLoop:
      Put32(out, ether_type == 0x0800 ? 2 : 24);
      break;
    case LinkType::kRawIp:
    case LinkType::kIpv4:
    case LinkType::kIpv6:
      break;
  }
  return out;
}

bool IsV4(const FrameSpec& spec) { return IpAddress::Parse(spec.source)->is_v4(); }

}  // namespace

ByteVector BuildUdp(const FrameSpec& spec, std::span<const std::uint8_t> payload) {
  ByteVector out;
  Put16(out, spec.source_port);
  Put16(out, spec.destination_port);
  Put16(out, Lie(8 + payload.size(), spec.udp_length_lie));
  Put16(out, 0xbeef);  // a partial checksum, as captures show
  Append(out, payload);
  return out;
}

ByteVector BuildIp(const FrameSpec& spec, std::span<const std::uint8_t> payload) {
  const ByteVector udp = BuildUdp(spec, payload);
  ByteVector out = IsV4(spec) ? Ipv4Header(spec, udp.size()) : Ipv6Header(spec, udp.size());
  Append(out, udp);
  return out;
}

ByteVector BuildFrame(const FrameSpec& spec, std::span<const std::uint8_t> payload) {
  const std::uint16_t ip_type = IsV4(spec) ? 0x0800 : 0x86dd;
  ByteVector out = LinkHeader(spec, spec.vlan_types.empty() ? ip_type : spec.vlan_types.front());
  for (std::size_t tag = 0; tag < spec.vlan_types.size(); ++tag) {
    Put16(out, 100);
    Put16(out, tag + 1 < spec.vlan_types.size() ? spec.vlan_types[tag + 1] : ip_type);
  }
  Append(out, BuildIp(spec, payload));
  Append(out, spec.trailer);
  return out;
}

ByteVector FakeInitiation() {
  ByteVector out = {1, 0, 0, 0};
  while (out.size() < 148) Put8(out, static_cast<unsigned>(out.size()));
  return out;
}

}  // namespace jitwg::test
