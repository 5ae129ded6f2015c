// Builds frames around a UDP payload, for tests and seed corpora: each link layer, IP options, VLAN
// tags. Everything is right by default; the fields let a test lie about one thing at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sniffer/capture/link_type.h"

namespace jitwg::test {

using ByteVector = std::vector<std::uint8_t>;

struct FrameSpec {
  sniffer::LinkType link_type = sniffer::LinkType::kEthernet;
  std::string source = "192.0.2.7";  // both addresses of one family
  std::string destination = "198.51.100.1";
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 51820;
  std::vector<std::uint16_t> vlan_types = {};  // a tag for each: 0x8100, 0x88a8, 0x9100
  ByteVector ipv4_options = {};                // multiple of 4 bytes, at most 40
  std::uint8_t first_next_header = 17;         // IPv6: of the fixed header
  ByteVector extension_headers = {};           // IPv6: raw, between the fixed header and UDP
  std::uint16_t fragment_field = 0x4000;       // IPv4 flags and offset; default: don't fragment
  std::uint8_t protocol = 17;                  // IPv4
  int ip_length_lie = 0;                       // added to the length that the IP header states
  int udp_length_lie = 0;                      // added to the length that the UDP header states
  std::uint8_t sll_packet_type = 0;            // linux/if_packet.h
  std::uint32_t sll2_ifindex = 7;
  ByteVector trailer = {};  // padding behind the IP packet
};

ByteVector BuildUdp(const FrameSpec& spec, std::span<const std::uint8_t> payload);
// The IP packet alone. Its IPv4 header checksum is always right, also of a header that lies.
ByteVector BuildIp(const FrameSpec& spec, std::span<const std::uint8_t> payload);
ByteVector BuildFrame(const FrameSpec& spec, std::span<const std::uint8_t> payload);

// 148 bytes with an initiation's type word, else counting up.
ByteVector FakeInitiation();

}  // namespace jitwg::test
