#include "lib/ws/tunnel.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace jitwg::ws {

Tunnel::Tunnel(Role role, Variant variant, MaskSource masks)
    : role_(role),
      variant_(variant),
      masks_(masks),
      frames_(role, variant == Variant::kRecords ? kMaxMessage : kMaxDatagram),
      records_(role == Role::kServer),
      magic_owed_(role == Role::kClient && variant == Variant::kRecords) {}

Fault Tunnel::Receive(std::span<std::uint8_t> bytes, DatagramSink& sink) {
  sink_ = &sink;
  const Fault fault = frames_.Feed(bytes, *this);
  KeepPiece();
  sink_ = nullptr;
  return fault;
}

Fault Tunnel::OnMessage(Opcode opcode) {
  if (opcode == MessageOpcode()) return Fault::kNone;
  return opcode == Opcode::kText ? Fault::kTextUnexpected : Fault::kBinaryUnexpected;
}

Fault Tunnel::OnPayload(std::span<const std::uint8_t> bytes) {
  if (variant_ == Variant::kRecords) return records_.Feed(bytes, *sink_);
  KeepPiece();
  if (partial_.empty()) {
    piece_ = bytes;
  } else {
    partial_.insert(partial_.end(), bytes.begin(), bytes.end());
  }
  return Fault::kNone;
}

void Tunnel::KeepPiece() {
  partial_.insert(partial_.end(), piece_.begin(), piece_.end());
  piece_ = {};
}

Fault Tunnel::OnMessageEnd() {
  ++signs_of_life_;
  if (variant_ == Variant::kRecords) return Fault::kNone;
  const std::span<const std::uint8_t> datagram = piece_.empty() ? partial_ : piece_;
  if (datagram.empty()) {
    sink_->OnKeepalive();
  } else {
    sink_->OnDatagram(datagram);
  }
  piece_ = {};
  partial_.clear();
  return Fault::kNone;
}

void Tunnel::OnPing(std::span<const std::uint8_t> payload) {
  ++signs_of_life_;
  std::copy(payload.begin(), payload.end(), pong_.begin());
  pong_size_ = static_cast<std::uint8_t>(payload.size());
  pong_owed_ = true;
}

void Tunnel::OnClose(std::optional<std::uint16_t> code) {
  peer_closed_ = true;
  peer_code_ = code;
}

void Tunnel::AppendFrame(Opcode opcode, std::span<const std::uint8_t> first,
                         std::span<const std::uint8_t> second, OutputBuffer& out) {
  std::optional<MaskKey> mask;
  if (role_ == Role::kClient) mask = masks_();
  std::array<std::uint8_t, kMaxFrameHeader> header;
  const std::size_t header_size =
      EncodeFrameHeader(opcode, first.size() + second.size(), mask, header);
  const auto whole = out.Extend(header_size + first.size() + second.size());
  std::memcpy(whole.data(), header.data(), header_size);
  const auto payload = whole.subspan(header_size);
  std::copy(first.begin(), first.end(), payload.begin());
  std::copy(second.begin(), second.end(),
            payload.begin() + static_cast<std::ptrdiff_t>(first.size()));
  if (mask) ApplyMask(payload, *mask, 0);
}

void Tunnel::AppendDatagram(std::span<const std::uint8_t> datagram, OutputBuffer& out) {
  if (variant_ == Variant::kDatagrams) return AppendFrame(Opcode::kBinary, datagram, {}, out);
  std::array<std::uint8_t, kMagic.size() + kRecordHeader> prefix;
  std::copy(kMagic.begin(), kMagic.end(), prefix.begin());
  const auto length = EncodeRecordHeader(static_cast<std::uint32_t>(datagram.size()));
  std::copy(length.begin(), length.end(), prefix.begin() + kMagic.size());
  const std::span<const std::uint8_t> all(prefix);
  AppendFrame(Opcode::kText, magic_owed_ ? all : all.subspan(kMagic.size()), datagram, out);
  magic_owed_ = false;
}

void Tunnel::AppendPing(OutputBuffer& out) { AppendFrame(Opcode::kPing, {}, {}, out); }

void Tunnel::AppendKeepalive(OutputBuffer& out) { AppendDatagram({}, out); }

void Tunnel::AppendPong(OutputBuffer& out) {
  if (!pong_owed_) return;
  AppendFrame(Opcode::kPong, std::span<const std::uint8_t>(pong_).first(pong_size_), {}, out);
  pong_owed_ = false;
}

void Tunnel::AppendClose(CloseCode code, OutputBuffer& out) {
  if (close_sent_) return;
  const auto number = static_cast<std::uint16_t>(code);
  const std::array<std::uint8_t, 2> payload = {static_cast<std::uint8_t>(number >> 8),
                                               static_cast<std::uint8_t>(number)};
  AppendFrame(Opcode::kClose, payload, {}, out);
  close_sent_ = true;
}

void Tunnel::AppendCloseReply(OutputBuffer& out) {
  if (peer_code_) return AppendClose(static_cast<CloseCode>(*peer_code_), out);
  if (!close_sent_) AppendFrame(Opcode::kClose, {}, {}, out);
  close_sent_ = true;
}

}  // namespace jitwg::ws
