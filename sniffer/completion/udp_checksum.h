// The UDP checksum of a captured packet, computed anew: a packet from the same host or a virtual
// machine was captured before its hardware would have filled it in. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace jitwg::sniffer {

// `ip_packet`: IPv4 or IPv6, as DecodeDatagram found it, with its UDP header at `udp_offset`.
// Writes the checksum (RFC 768, RFC 8200 8.1); false, and nothing written, when the lengths
// contradict that.
bool FillUdpChecksum(std::span<std::uint8_t> ip_packet, std::size_t udp_offset);

}  // namespace jitwg::sniffer
