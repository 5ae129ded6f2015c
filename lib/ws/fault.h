// Why a WebSocket connection is ended, and with which close code (RFC 6455, section 7.4.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace jitwg::ws {

enum class CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnsupportedData = 1003,
  kInvalidPayload = 1007,
  kPolicyViolation = 1008,
  kTooBig = 1009,
  kInternalError = 1011,
};

// What a peer can do wrong once the connection is open. kNone: nothing.
enum class Fault : std::uint8_t {
  kNone,
  kReservedBits,            // RSV1..3 without an extension
  kReservedOpcode,          // 3..7, 11..15
  kMaskMissing,             // a client's frame without a mask
  kMaskUnexpected,          // a server's frame with one
  kLengthNotMinimal,        // a length in more bytes than it needs
  kLengthTopBit,            // a 64-bit length with its highest bit
  kControlFragmented,       // a control frame without FIN
  kControlTooLong,          // a control frame of more than 125 bytes
  kContinuationUnexpected,  // a continuation of nothing
  kContinuationExpected,    // a new message within another
  kMessageTooBig,           // a message of more bytes than are taken
  kCloseLengthOne,          // a close frame of one byte
  kCloseCodeInvalid,        // a close code that must not be sent
  kCloseReasonInvalid,      // a close reason that is no UTF-8
  kTextUnexpected,          // a TEXT message where each is to be BINARY
  kBinaryUnexpected,        // a BINARY message where each is to be TEXT
  kDatagramTooBig,          // a record or message longer than any datagram that is taken
  kMagicWrong,              // a record stream that does not begin with its magic
};
inline constexpr int kFaultCount = 19;

// The code to close with. kNone has kNormal.
CloseCode CloseCodeOf(Fault fault);

// A short name in lower case for counters: "reserved_bits".
std::string_view ToString(Fault fault);

// Codes that may stand in a close frame: the registered ones below 1015 that are not for local use,
// and 3000..4999.
bool IsSendable(std::uint16_t close_code);

}  // namespace jitwg::ws
