// The text of the BPF filter that lets only handshake initiations to our ports through. Pure;
// compiling and attaching it is the source's business.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "sniffer/capture/link_type.h"

namespace jitwg::sniffer {

// An expression for pcap_compile(3). It accepts UDP datagrams of exactly 148 bytes whose type word
// is 1, to any of the `ports` (0 is ignored, repetitions do no harm), over IPv4 and IPv6 without
// extension headers. Its first test is the frame's length, so that data packets, which are what
// arrives all day, cost next to nothing. No ports: a filter that accepts nothing.
std::string InitiationFilter(std::span<const std::uint16_t> ports, LinkType link_type);

}  // namespace jitwg::sniffer
