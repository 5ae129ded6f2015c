// Any bytes as a captured frame, on every link type: no crash, and whatever is decoded lies inside
// the frame; its checksum is filled in so that it holds. Also as a packet inside the tunnel. The
// first byte picks the link type and the options, the next two how much longer the frame was on
// the wire.
#include <vector>

#include "sniffer/capture/datagram.h"
#include "sniffer/completion/original_packet.h"
#include "sniffer/completion/udp_checksum.h"
#include "sniffer/outbound/inner_destination.h"
#include "tests/fuzz/input.h"

namespace {

using jitwg::sniffer::Datagram;
using jitwg::sniffer::LinkType;
using jitwg::test::Require;

bool Inside(std::span<const std::uint8_t> part, std::span<const std::uint8_t> whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void Check(const Datagram& datagram, std::span<const std::uint8_t> frame) {
  Require(Inside(datagram.ip_packet, frame));
  Require(Inside(datagram.payload, datagram.ip_packet));
  Require(datagram.ip_packet.size() >= datagram.payload.size() + 28);
  Require(datagram.source.address.family() == datagram.destination.address.family());
  Require(datagram.source.port != 0);
  Require(datagram.ip_packet[0] >> 4 == (datagram.source.address.is_v4() ? 4 : 6));
}

// The checksum as the receiver's IP stack looks at it: over the pseudo header and the datagram.
std::uint32_t FoldedSum(std::span<const std::uint8_t> ip_packet, std::size_t udp_offset) {
  const bool v4 = ip_packet[0] >> 4 == 4;
  const auto addresses = ip_packet.subspan(v4 ? 12 : 8, v4 ? 8 : 32);
  const auto udp = ip_packet.subspan(udp_offset);
  const std::size_t length = std::size_t{udp[4]} << 8 | udp[5];
  std::uint64_t sum = 17 + length;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    sum += std::uint64_t{addresses[i]} << (i % 2 == 0 ? 8 : 0);
  }
  for (std::size_t i = 0; i < length; ++i) sum += std::uint64_t{udp[i]} << (i % 2 == 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint32_t>(sum);
}

void CheckOriginal(const Datagram& datagram) {
  using jitwg::sniffer::OriginalPacket;
  OriginalPacket first(datagram, nullptr);
  OriginalPacket packet(std::move(first));
  if (packet.link_payload().empty()) return;
  Require(std::equal(packet.payload().begin(), packet.payload().end(), datagram.payload.begin(),
                     datagram.payload.end()));
  std::vector<std::uint8_t> ip(packet.ip_packet().begin(), packet.ip_packet().end());
  if (!jitwg::sniffer::FillUdpChecksum(ip, packet.udp_offset())) return;
  Require(FoldedSum(ip, packet.udp_offset()) == 0xffff);
}

void CheckInner(std::span<const std::uint8_t> packet) {
  const auto destination = jitwg::sniffer::InnerDestination(packet);
  if (!destination) return;
  Require(packet.size() >= (destination->is_v4() ? 20U : 40U));
  Require(destination->bytes()[0] != 0 && destination->bytes()[0] != 0xff);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::span<const std::uint8_t> frame(data + 3, size - 3);
  const std::size_t cut_off = (data[0] & 0x40) != 0 ? std::size_t{data[1]} << 8 | data[2] : 0;
  const auto datagram =
      jitwg::sniffer::DecodeDatagram(frame, {.link_type = static_cast<LinkType>(data[0] % 8),
                                             .wire_length = frame.size() + cut_off,
                                             .ifindex = data[0],
                                             .verify_ip_checksum = (data[0] & 0x80) != 0});
  if (datagram) {
    Check(*datagram, frame);
    CheckOriginal(*datagram);
  } else {
    Require(ToString(datagram.error()) != "unknown");
  }
  CheckInner(frame);
  return 0;
}
