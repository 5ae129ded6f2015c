// Any bytes as a captured frame, on every link type: no crash, and whatever is decoded lies inside
// the frame. The first byte picks the link type and the options, the next two how much longer the
// frame was on the wire.
#include <cstdlib>

#include "sniffer/capture/datagram.h"

namespace {

using jitwg::sniffer::Datagram;
using jitwg::sniffer::LinkType;

void Require(bool condition) {
  if (!condition) std::abort();
}

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
  if (datagram) Check(*datagram, frame);
  return 0;
}
