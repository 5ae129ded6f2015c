// The steps of DecodeDatagram, one per layer, shared by its two source files. Not for use outside
// this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <tl/expected.hpp>

#include "sniffer/capture/datagram.h"

namespace jitwg::sniffer::layers {

using Bytes = std::span<const std::uint8_t>;
template <class T>
using Expected = tl::expected<T, DatagramError>;

inline tl::unexpected<DatagramError> Refuse(DatagramError error) { return tl::unexpected(error); }

// Callers have checked that the bytes are there.
inline std::uint16_t Read16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}
inline std::uint32_t Read32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(Read16(bytes, at)) << 16 | Read16(bytes, at + 2);
}

// The rest of a packet: what was captured of it, and how long it was on the wire (never less).
struct Rest {
  Bytes captured;
  std::size_t wire = 0;

  bool Has(std::size_t count) const { return captured.size() >= count; }
  // Has(count) must hold.
  Rest From(std::size_t count) const { return {captured.subspan(count), wire - count}; }
  // Forgets what lies behind `count` bytes; count <= wire must hold.
  Rest First(std::size_t count) const {
    return {captured.first(captured.size() < count ? captured.size() : count), count};
  }
};

enum class Network : std::uint8_t { kIpv4, kIpv6 };

struct LinkPayload {
  Network network = Network::kIpv4;
  Rest packet;
  std::uint32_t ifindex = 0;
  PacketDirection direction = PacketDirection::kUnknown;
  std::uint16_t protocol = 0;  // the outermost EtherType
  std::size_t tag_bytes = 0;   // of VLAN tags, just before `packet`
};

struct IpPayload {
  IpAddress source;
  IpAddress destination;
  Rest packet;   // cut to the length the IP header states
  Rest payload;  // of protocol UDP, never a fragment
};

Expected<LinkPayload> UnwrapLink(LinkType type, Rest frame);
Expected<IpPayload> UnwrapIpv4(Rest packet, bool verify_checksum);
Expected<IpPayload> UnwrapIpv6(Rest packet);

}  // namespace jitwg::sniffer::layers
