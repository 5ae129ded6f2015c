// ICMP echo packets inside a tunnel (RFC 791, RFC 792): the far kernel answers them, so that no
// server of ours is needed there. No options, no fragments.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace jitwg::bench {

using Ipv4 = std::array<std::uint8_t, 4>;

// `size` bytes of echo request, at least 28; `number` comes back in the reply.
std::vector<std::uint8_t> MakePing(const Ipv4& from, const Ipv4& to, std::uint32_t number,
                                   std::size_t size);

// The number in an echo reply to `to` whose sums are right; nullopt for anything else.
std::optional<std::uint32_t> PingReplyNumber(std::span<const std::uint8_t> packet, const Ipv4& to);

}  // namespace jitwg::bench
