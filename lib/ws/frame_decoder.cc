#include "lib/ws/frame_decoder.h"

#include <algorithm>
#include <cstring>

#include "lib/ws/utf8.h"

namespace jitwg::ws {
namespace {

std::uint64_t BigEndian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

std::size_t LengthBytes(std::uint8_t second) {
  const unsigned length = second & 0x7f;
  return length == 126 ? 2 : length == 127 ? 8 : 0;
}

}  // namespace

// How many bytes the header has, as far as it can be said.
std::size_t FrameDecoder::HeaderNeeds() const {
  if (header_size_ < 2) return 2;
  const std::size_t mask = (header_[1] & 0x80) != 0 ? 4 : 0;
  return 2 + LengthBytes(header_[1]) + mask;
}

// True when what is known of the header is complete: two bytes, or all of them.
bool FrameDecoder::TakeHeader(std::span<std::uint8_t>& bytes) {
  const std::size_t wanted = HeaderNeeds();
  const std::size_t taken = std::min(wanted - header_size_, bytes.size());
  std::memcpy(&header_[header_size_], bytes.data(), taken);
  header_size_ += taken;
  bytes = bytes.subspan(taken);
  return header_size_ == wanted;
}

// What two bytes already give away need not wait for the rest.
Fault FrameDecoder::CheckFirstTwo() const {
  if ((header_[0] & 0x70) != 0) return Fault::kReservedBits;
  const unsigned code = header_[0] & 0x0f;
  if ((code > 2 && code < 8) || code > 10) return Fault::kReservedOpcode;
  const bool masked = (header_[1] & 0x80) != 0;
  if (own_role_ == Role::kServer && !masked) return Fault::kMaskMissing;
  if (own_role_ == Role::kClient && masked) return Fault::kMaskUnexpected;
  if (IsControl()) {
    if (!IsFinal()) return Fault::kControlFragmented;
    if ((header_[1] & 0x7f) > kMaxControlPayload) return Fault::kControlTooLong;
  } else if (opcode() == Opcode::kContinuation) {
    if (!in_message_) return Fault::kContinuationUnexpected;
  } else if (in_message_) {
    return Fault::kContinuationExpected;
  }
  return Fault::kNone;
}

Fault FrameDecoder::BeginFrame(FrameSink& sink) {
  const std::size_t length_bytes = LengthBytes(header_[1]);
  payload_size_ = length_bytes == 0
                      ? header_[1] & 0x7f
                      : BigEndian(std::span<const std::uint8_t>(header_).subspan(2, length_bytes));
  if (length_bytes == 2 && payload_size_ < 126) return Fault::kLengthNotMinimal;
  if (length_bytes == 8 && payload_size_ >> 63 != 0) return Fault::kLengthTopBit;
  if (length_bytes == 8 && payload_size_ <= 0xffff) return Fault::kLengthNotMinimal;
  if ((header_[1] & 0x80) != 0) std::memcpy(mask_.data(), &header_[2 + length_bytes], 4);
  payload_taken_ = 0;
  in_payload_ = true;
  return IsControl() ? Fault::kNone : BeginData(sink);
}

Fault FrameDecoder::BeginData(FrameSink& sink) {
  if (opcode() != Opcode::kContinuation) {
    message_size_ = 0;
    in_message_ = true;
    if (const Fault fault = sink.OnMessage(opcode()); fault != Fault::kNone) return fault;
  }
  if (payload_size_ > max_message_ - message_size_) return Fault::kMessageTooBig;
  message_size_ += payload_size_;
  return Fault::kNone;
}

Fault FrameDecoder::TakePayload(std::span<std::uint8_t>& bytes, FrameSink& sink) {
  const std::uint64_t left = payload_size_ - payload_taken_;
  const auto part =
      bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size())));
  bytes = bytes.subspan(part.size());
  if (part.empty()) return Fault::kNone;
  if (own_role_ == Role::kServer) ApplyMask(part, mask_, payload_taken_);
  if (IsControl()) std::memcpy(&control_[payload_taken_], part.data(), part.size());
  payload_taken_ += part.size();
  return IsControl() ? Fault::kNone : sink.OnPayload(part);
}

Fault FrameDecoder::EndFrame(FrameSink& sink) {
  in_payload_ = false;
  header_size_ = 0;
  const std::span<const std::uint8_t> control(control_.data(), IsControl() ? payload_taken_ : 0);
  switch (opcode()) {
    case Opcode::kClose:
      return EndClose(sink);
    case Opcode::kPing:
      sink.OnPing(control);
      return Fault::kNone;
    case Opcode::kPong:
      sink.OnPong();
      return Fault::kNone;
    default:
      if (!IsFinal()) return Fault::kNone;
      in_message_ = false;
      return sink.OnMessageEnd();
  }
}

Fault FrameDecoder::EndClose(FrameSink& sink) {
  const std::span<const std::uint8_t> payload(control_.data(), payload_taken_);
  if (payload.size() == 1) return Fault::kCloseLengthOne;
  std::optional<std::uint16_t> code;
  if (!payload.empty()) {
    code = static_cast<std::uint16_t>(BigEndian(payload.first(2)));
    if (!IsSendable(*code)) return Fault::kCloseCodeInvalid;
    if (!IsUtf8(payload.subspan(2))) return Fault::kCloseReasonInvalid;
  }
  ended_ = true;
  sink.OnClose(code);
  return Fault::kNone;
}

Fault FrameDecoder::Step(std::span<std::uint8_t>& bytes, FrameSink& sink) {
  Fault fault = Fault::kNone;
  if (!in_payload_) {
    const bool had_two = header_size_ >= 2;
    if (!TakeHeader(bytes)) return Fault::kNone;
    if (!had_two) fault = CheckFirstTwo();
    if (fault != Fault::kNone || header_size_ < HeaderNeeds()) return fault;
    fault = BeginFrame(sink);
  }
  if (fault == Fault::kNone) fault = TakePayload(bytes, sink);
  if (fault == Fault::kNone && payload_taken_ == payload_size_) fault = EndFrame(sink);
  return fault;
}

Fault FrameDecoder::Feed(std::span<std::uint8_t> bytes, FrameSink& sink) {
  while (!bytes.empty() && !ended_) {
    const Fault fault = Step(bytes, sink);
    if (fault != Fault::kNone) {
      ended_ = true;
      return fault;
    }
  }
  return Fault::kNone;
}

}  // namespace jitwg::ws
