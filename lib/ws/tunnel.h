// Datagrams through one open WebSocket, either end, either variant: bytes of the connection in,
// datagrams out, and back. Answers pings and closes. Holds at most one datagram that is incomplete.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/ws/fault.h"
#include "lib/ws/frame.h"
#include "lib/ws/frame_decoder.h"
#include "lib/ws/output_buffer.h"
#include "lib/ws/record_stream.h"

namespace jitwg::ws {

enum class Variant : std::uint8_t {
  kRecords,    // deployed clients: a record stream in TEXT messages
  kDatagrams,  // the subprotocol kSubprotocol: BINARY messages, one datagram in each
};

inline constexpr std::string_view kSubprotocol = "jitwg.v1";

// The longest message. Boundaries mean nothing in a record stream, so this only keeps a claim of an
// endless one from being believed.
inline constexpr std::uint64_t kMaxMessage = 65536;

// Makes the masks of a client's frames, which must not be guessed by who chose the payload.
using MaskSource = MaskKey (*)();

class Tunnel : private FrameSink {
 public:
  // `masks` is needed by a client; a server passes nullptr.
  Tunnel(Role role, Variant variant, MaskSource masks = nullptr);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // Takes all of `bytes`, which are overwritten. A fault ends the tunnel: send its close frame.
  Fault Receive(std::span<std::uint8_t> bytes, DatagramSink& sink);

  // 1..kMaxDatagram bytes; a client's first one has the magic before it where the variant wants it.
  void AppendDatagram(std::span<const std::uint8_t> datagram, OutputBuffer& out);
  // A sign of life that asks for an answer.
  void AppendPing(OutputBuffer& out);
  // A sign of life that the variant's peer understands without answering; a client's only.
  void AppendKeepalive(OutputBuffer& out);
  // The answer to the newest ping, if one is owed. Older ones need none (RFC 6455, section 5.5.3),
  // so a peer that only asks and never reads costs no memory.
  void AppendPong(OutputBuffer& out);
  bool owes_pong() const { return pong_owed_; }
  // Once; nothing but the close frame of the peer is of interest afterwards.
  void AppendClose(CloseCode code, OutputBuffer& out);
  // Answers the peer's close frame with its own code, or without one.
  void AppendCloseReply(OutputBuffer& out);

  bool peer_closed() const { return peer_closed_; }
  // The code in the peer's close frame, if it had one.
  std::optional<std::uint16_t> peer_code() const { return peer_code_; }
  bool close_sent() const { return close_sent_; }
  // Whole messages, pings and pongs so far: what tells a living peer from one that sends a byte now
  // and then.
  std::uint64_t signs_of_life() const { return signs_of_life_; }

 private:
  Fault OnMessage(Opcode opcode) override;
  Fault OnPayload(std::span<const std::uint8_t> bytes) override;
  Fault OnMessageEnd() override;
  void OnPing(std::span<const std::uint8_t> payload) override;
  void OnPong() override { ++signs_of_life_; }
  void OnClose(std::optional<std::uint16_t> code) override;

  Opcode MessageOpcode() const {
    return variant_ == Variant::kRecords ? Opcode::kText : Opcode::kBinary;
  }
  // One frame whose payload is `first` followed by `second`.
  void AppendFrame(Opcode opcode, std::span<const std::uint8_t> first,
                   std::span<const std::uint8_t> second, OutputBuffer& out);
  void KeepPiece();

  const Role role_;
  const Variant variant_;
  const MaskSource masks_;
  FrameDecoder frames_;
  RecordDecoder records_;
  DatagramSink* sink_ = nullptr;         // during Receive
  std::span<const std::uint8_t> piece_;  // a message's only piece so far; during Receive
  std::vector<std::uint8_t> partial_;    // of a message that came in more pieces
  bool magic_owed_;
  bool pong_owed_ = false;
  bool peer_closed_ = false;
  bool close_sent_ = false;
  std::uint8_t pong_size_ = 0;
  std::array<std::uint8_t, kMaxControlPayload> pong_{};
  std::optional<std::uint16_t> peer_code_;
  std::uint64_t signs_of_life_ = 0;
};

}  // namespace jitwg::ws
