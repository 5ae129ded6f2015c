// The byte stream that deployed clients speak inside their WebSocket messages: four bytes of magic
// once, from the client; then records both ways, each a big-endian uint32 length and that many
// bytes of one UDP payload. Length 0 is a keepalive. Message boundaries mean nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/ws/fault.h"

namespace jitwg::ws {

// The longest UDP payload that is carried. Deployed clients send at most 1996 bytes; a tunnel over
// jumbo frames (9000) makes 8972. What is longer is no WireGuard that came over a network.
inline constexpr std::size_t kMaxDatagram = 9216;

inline constexpr std::array<std::uint8_t, 4> kMagic = {0x2f, 0xac, 0xed, 0x77};
inline constexpr std::size_t kRecordHeader = 4;

std::array<std::uint8_t, kRecordHeader> EncodeRecordHeader(std::uint32_t length);

// Takes whole datagrams, and the signs of life beside them.
class DatagramSink {
 public:
  virtual ~DatagramSink() = default;
  // 1..kMaxDatagram bytes, valid during the call.
  virtual void OnDatagram(std::span<const std::uint8_t> datagram) = 0;
  virtual void OnKeepalive() = 0;
};

// Records out of a stream that may be cut anywhere. Holds at most one incomplete record.
class RecordDecoder {
 public:
  // With `expect_magic` the stream is a client's.
  explicit RecordDecoder(bool expect_magic) : magic_left_(expect_magic ? kMagic.size() : 0) {}

  // kMagicWrong, kDatagramTooBig or kNone. After a fault: do not call again.
  Fault Feed(std::span<const std::uint8_t> bytes, DatagramSink& sink);

  // Not inside the magic or a record.
  bool at_rest() const { return magic_left_ == 0 && header_size_ == 0; }

 private:
  Fault TakeMagic(std::span<const std::uint8_t>& bytes);
  Fault TakeHeader(std::span<const std::uint8_t>& bytes, DatagramSink& sink);
  void TakePayload(std::span<const std::uint8_t>& bytes, DatagramSink& sink);

  std::size_t magic_left_;
  std::array<std::uint8_t, kRecordHeader> header_{};
  std::size_t header_size_ = 0;
  std::size_t length_ = 0;
  std::vector<std::uint8_t> partial_;
};

}  // namespace jitwg::ws
