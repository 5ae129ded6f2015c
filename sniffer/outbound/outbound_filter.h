// The text of the BPF filter of a WireGuard interface's tap. Pure.
#pragma once

#include <span>
#include <string>

#include "lib/base/net.h"

namespace jitwg::sniffer {

// An expression for pcap_compile(3) on raw IP: packets for an address inside one of `prefixes`.
// None: a filter that accepts nothing.
std::string OutboundFilter(std::span<const IpPrefix> prefixes);

}  // namespace jitwg::sniffer
