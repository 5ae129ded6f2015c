#include "sniffer/completion/original_packet.h"

#include <sodium/utils.h>

#include <algorithm>
#include <utility>

namespace jitwg::sniffer {
OriginalPacket::OriginalPacket(const Datagram& datagram, std::shared_ptr<PacketLease> lease)
    : protocol_(datagram.protocol), ifindex_(datagram.ifindex), lease_(std::move(lease)) {
  const auto packet = datagram.link_payload;
  if (packet.size() > kCapacity) return;
  std::copy(packet.begin(), packet.end(), bytes_.begin());
  size_ = packet.size();
  tag_bytes_ = packet.size() - datagram.ip_packet.size();
  udp_offset_ = static_cast<std::size_t>(datagram.payload.data() - datagram.ip_packet.data()) -
                kUdpHeaderSize;
  payload_size_ = datagram.payload.size();
}

OriginalPacket::OriginalPacket(OriginalPacket&& other) noexcept
    : bytes_(other.bytes_),
      size_(other.size_),
      tag_bytes_(other.tag_bytes_),
      udp_offset_(other.udp_offset_),
      payload_size_(other.payload_size_),
      protocol_(other.protocol_),
      ifindex_(other.ifindex_),
      lease_(std::move(other.lease_)) {
  other.Wipe();
}

OriginalPacket& OriginalPacket::operator=(OriginalPacket&& other) noexcept {
  if (this == &other) return *this;
  bytes_ = other.bytes_;
  size_ = other.size_;
  tag_bytes_ = other.tag_bytes_;
  udp_offset_ = other.udp_offset_;
  payload_size_ = other.payload_size_;
  protocol_ = other.protocol_;
  ifindex_ = other.ifindex_;
  lease_ = std::move(other.lease_);
  other.Wipe();
  return *this;
}

OriginalPacket::~OriginalPacket() { Wipe(); }

std::span<const std::uint8_t> OriginalPacket::payload() const {
  return size_ == 0 ? std::span<const std::uint8_t>{}
                    : ip_packet().subspan(udp_offset_ + kUdpHeaderSize, payload_size_);
}

void OriginalPacket::Wipe() {
  sodium_memzero(bytes_.data(), size_);
  size_ = 0;
  tag_bytes_ = 0;
}

}  // namespace jitwg::sniffer
