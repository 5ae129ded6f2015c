// Is it UTF-8? Asked only of the reason in a close frame, which RFC 6455 wants to be text.
#pragma once

#include <cstdint>
#include <span>

namespace jitwg::ws {

// As RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF, nothing cut off.
bool IsUtf8(std::span<const std::uint8_t> bytes);

}  // namespace jitwg::ws
