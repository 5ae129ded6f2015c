// Writes the seed corpus of datagram_fuzzer into the folder given: one file per shape of frame,
// right and broken. The results are in the tree; run it again only when the frames of tests/support
// change.
#include <fstream>
#include <iostream>
#include <map>

#include "tests/support/frames.h"

namespace {

using jitwg::sniffer::LinkType;
using jitwg::test::BuildFrame;
using jitwg::test::ByteVector;
using jitwg::test::FrameSpec;

FrameSpec V6(FrameSpec spec) {
  spec.source = "fe80::7";
  spec.destination = "2001:db8::1";
  return spec;
}

std::map<std::string, FrameSpec> Shapes() {
  const ByteVector hop_by_hop = {17, 0, 1, 4, 0, 0, 0, 0};
  return {
      {"plain4", {}},
      {"plain6", V6({})},
      {"options4", {.ipv4_options = ByteVector(8, 1)}},
      {"vlan4", {.vlan_types = {0x8100}}},
      {"qinq6", V6({.vlan_types = {0x88a8, 0x8100}})},
      {"vlan-too-many", {.vlan_types = {0x8100, 0x8100, 0x8100, 0x8100}}},
      {"fragment-first", {.fragment_field = 0x2000}},
      {"fragment-last", {.fragment_field = 0x00b9}},
      {"fragment6", V6({.first_next_header = 44, .extension_headers = {17, 0, 0, 1, 0, 0, 0, 1}})},
      {"hop-by-hop6", V6({.first_next_header = 0, .extension_headers = hop_by_hop})},
      {"routing6", V6({.first_next_header = 43, .extension_headers = {17, 0, 0, 0, 0, 0, 0, 0}})},
      {"tcp", {.protocol = 6}},
      {"ip-too-long", {.ip_length_lie = 9}},
      {"ip-too-short", {.ip_length_lie = -160}},
      {"udp-too-long", {.udp_length_lie = 9}},
      {"udp-shorter", {.udp_length_lie = -20}},
      {"padded", {.trailer = ByteVector(6, 0)}},
  };
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: datagram_seeds FOLDER\n";
    return 1;
  }
  const ByteVector payload(
      20, 0x11);  // the decoder does not look at it: short, so that the headers are most of it
  for (auto& [name, spec] : Shapes()) {
    for (int type = 0; type < 8; ++type) {
      FrameSpec on_link = spec;
      on_link.link_type = static_cast<LinkType>(type);
      if (!spec.vlan_types.empty() && type != 0 && type != 5) continue;
      const ByteVector frame = BuildFrame(on_link, payload);
      std::ofstream file(
          std::string(argv[1]) + "/" + name + "-" + std::string(ToString(on_link.link_type)),
          std::ios::binary);
      for (const int byte : {type, 0, 0}) file.put(static_cast<char>(byte));
      file.write(reinterpret_cast<const char*>(frame.data()),
                 static_cast<std::streamsize>(frame.size()));
      if (!file) return 1;
    }
  }
  return 0;
}
