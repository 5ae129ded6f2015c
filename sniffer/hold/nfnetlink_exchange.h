// One request to the kernel's packet filter and its answer.
#pragma once

#include <cstdint>
#include <span>

#include "sniffer/install/netlink_socket.h"

namespace jitwg::sniffer {

// Sends messages of the sequence numbers `first` to `last`, whose last one is acknowledged. 0, or
// the positive errno of the first refusal; ETIMEDOUT when no answer came within two seconds.
int ExchangeNfnetlink(NetlinkSocket& socket, std::span<const std::uint8_t> messages,
                      std::uint32_t first, std::uint32_t last);

}  // namespace jitwg::sniffer
