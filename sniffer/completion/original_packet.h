// The captured initiation itself, kept for a short while so that the kernel can get it again, or
// for the first time. Wiped when it dies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "sniffer/capture/datagram.h"
#include "sniffer/capture/packet_source.h"

namespace jitwg::sniffer {

// Copies are deliberate and few: each is wiped by itself.
class OriginalPacket {
 public:
  // Three VLAN tags 12, the longest IPv4 header 60, UDP 8, initiation 148; IPv6 with the extension
  // headers that the capture filter lets through is shorter.
  static constexpr std::size_t kCapacity = 256;

  OriginalPacket() = default;
  // Empty when the packet is longer than kCapacity, which no capture delivers.
  OriginalPacket(const Datagram& datagram, std::shared_ptr<PacketLease> lease);
  OriginalPacket(const OriginalPacket&) = default;
  OriginalPacket& operator=(const OriginalPacket&) = default;
  OriginalPacket(OriginalPacket&& other) noexcept;
  OriginalPacket& operator=(OriginalPacket&& other) noexcept;
  ~OriginalPacket();

  // Where it came in; 0 is not known.
  std::uint32_t ifindex() const { return ifindex_; }
  // The outermost EtherType, and all that follows it: VLAN tags, then the IP packet.
  std::uint16_t protocol() const { return protocol_; }
  std::span<const std::uint8_t> link_payload() const { return {bytes_.data(), size_}; }
  std::span<const std::uint8_t> ip_packet() const { return link_payload().subspan(tag_bytes_); }
  std::size_t tag_bytes() const { return tag_bytes_; }
  // Where in ip_packet() the UDP header begins.
  std::size_t udp_offset() const { return udp_offset_; }
  // The initiation.
  std::span<const std::uint8_t> payload() const;

 private:
  void Wipe();

  std::array<std::uint8_t, kCapacity> bytes_{};
  std::size_t size_ = 0;
  std::size_t tag_bytes_ = 0;
  std::size_t udp_offset_ = 0;
  std::size_t payload_size_ = 0;
  std::uint16_t protocol_ = 0;
  std::uint32_t ifindex_ = 0;
  std::shared_ptr<PacketLease> lease_;
};

}  // namespace jitwg::sniffer
