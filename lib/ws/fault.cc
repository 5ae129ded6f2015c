#include "lib/ws/fault.h"

#include <array>

namespace jitwg::ws {
namespace {

struct Entry {
  std::string_view name;
  CloseCode code;
};

constexpr std::array<Entry, kFaultCount> kEntries = {{
    {"none", CloseCode::kNormal},
    {"reserved_bits", CloseCode::kProtocolError},
    {"reserved_opcode", CloseCode::kProtocolError},
    {"mask_missing", CloseCode::kProtocolError},
    {"mask_unexpected", CloseCode::kProtocolError},
    {"length_not_minimal", CloseCode::kProtocolError},
    {"length_top_bit", CloseCode::kProtocolError},
    {"control_fragmented", CloseCode::kProtocolError},
    {"control_too_long", CloseCode::kProtocolError},
    {"continuation_unexpected", CloseCode::kProtocolError},
    {"continuation_expected", CloseCode::kProtocolError},
    {"message_too_big", CloseCode::kTooBig},
    {"close_length_one", CloseCode::kProtocolError},
    {"close_code_invalid", CloseCode::kProtocolError},
    {"close_reason_invalid", CloseCode::kInvalidPayload},
    {"text_unexpected", CloseCode::kUnsupportedData},
    {"binary_unexpected", CloseCode::kUnsupportedData},
    {"datagram_too_big", CloseCode::kTooBig},
    {"magic_wrong", CloseCode::kPolicyViolation},
}};

}  // namespace

CloseCode CloseCodeOf(Fault fault) { return kEntries.at(static_cast<std::size_t>(fault)).code; }

std::string_view ToString(Fault fault) { return kEntries.at(static_cast<std::size_t>(fault)).name; }

bool IsSendable(std::uint16_t close_code) {
  if (close_code >= 3000) return close_code <= 4999;
  // 1004 is reserved; 1005, 1006 and 1015 are for what never crosses the wire.
  return close_code >= 1000 && close_code <= 1014 && close_code != 1004 && close_code != 1005 &&
         close_code != 1006;
}

}  // namespace jitwg::ws
