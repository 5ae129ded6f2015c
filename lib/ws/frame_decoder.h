// Reads WebSocket frames out of a byte stream that may be cut anywhere (RFC 6455, section 5). Keeps
// at most one header and one control frame; a message's payload is handed on as it comes, unmasked
// in place. No extension is spoken.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/ws/fault.h"
#include "lib/ws/frame.h"

namespace jitwg::ws {

// What the frames mean, in their order. A fault returned ends the connection.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // A message begins: kText or kBinary.
  virtual Fault OnMessage(Opcode opcode) = 0;
  // Its next bytes, never none.
  virtual Fault OnPayload(std::span<const std::uint8_t> bytes) = 0;
  virtual Fault OnMessageEnd() = 0;
  // At most 125 bytes.
  virtual void OnPing(std::span<const std::uint8_t> payload) = 0;
  virtual void OnPong() = 0;
  // The peer closes; nothing follows. nullopt: it gave no code.
  virtual void OnClose(std::optional<std::uint16_t> code) = 0;
};

class FrameDecoder {
 public:
  // Frames of the other role are read. A message (all its fragments) longer than `max_message` is
  // kMessageTooBig as soon as a header says so.
  FrameDecoder(Role own_role, std::uint64_t max_message)
      : own_role_(own_role), max_message_(max_message) {}

  // Takes all of `bytes`, which are overwritten. Returns the first fault; after it, and after a
  // close frame, nothing is read any more and kNone comes back.
  Fault Feed(std::span<std::uint8_t> bytes, FrameSink& sink);

  // A fault or a close frame has ended the stream.
  bool ended() const { return ended_; }
  // Between two messages and not inside a frame.
  bool at_rest() const { return header_size_ == 0 && !in_payload_ && !in_message_; }

 private:
  std::size_t HeaderNeeds() const;
  bool TakeHeader(std::span<std::uint8_t>& bytes);
  Fault CheckFirstTwo() const;
  Fault BeginFrame(FrameSink& sink);
  Fault BeginData(FrameSink& sink);
  Fault TakePayload(std::span<std::uint8_t>& bytes, FrameSink& sink);
  Fault EndFrame(FrameSink& sink);
  Fault EndClose(FrameSink& sink);
  Fault Step(std::span<std::uint8_t>& bytes, FrameSink& sink);
  bool IsControl() const { return (header_[0] & 0x08) != 0; }
  bool IsFinal() const { return (header_[0] & 0x80) != 0; }
  Opcode opcode() const { return static_cast<Opcode>(header_[0] & 0x0f); }

  const Role own_role_;
  const std::uint64_t max_message_;
  std::array<std::uint8_t, kMaxFrameHeader> header_{};
  std::size_t header_size_ = 0;
  bool in_payload_ = false;
  bool in_message_ = false;
  bool ended_ = false;
  MaskKey mask_{};
  std::uint64_t payload_size_ = 0;
  std::uint64_t payload_taken_ = 0;
  std::uint64_t message_size_ = 0;
  std::array<std::uint8_t, kMaxControlPayload> control_{};
};

}  // namespace jitwg::ws
