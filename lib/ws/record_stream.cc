#include "lib/ws/record_stream.h"

#include <algorithm>

namespace jitwg::ws {

std::array<std::uint8_t, kRecordHeader> EncodeRecordHeader(std::uint32_t length) {
  return {static_cast<std::uint8_t>(length >> 24), static_cast<std::uint8_t>(length >> 16),
          static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
}

Fault RecordDecoder::TakeMagic(std::span<const std::uint8_t>& bytes) {
  while (magic_left_ > 0 && !bytes.empty()) {
    if (bytes.front() != kMagic[kMagic.size() - magic_left_]) return Fault::kMagicWrong;
    --magic_left_;
    bytes = bytes.subspan(1);
  }
  return Fault::kNone;
}

Fault RecordDecoder::TakeHeader(std::span<const std::uint8_t>& bytes, DatagramSink& sink) {
  while (header_size_ < kRecordHeader && !bytes.empty()) {
    header_[header_size_++] = bytes.front();
    bytes = bytes.subspan(1);
  }
  if (header_size_ < kRecordHeader) return Fault::kNone;
  const std::uint32_t length = std::uint32_t{header_[0]} << 24 | std::uint32_t{header_[1]} << 16 |
                               std::uint32_t{header_[2]} << 8 | header_[3];
  if (length > kMaxDatagram) return Fault::kDatagramTooBig;
  length_ = length;
  if (length == 0) {
    header_size_ = 0;
    sink.OnKeepalive();
  }
  return Fault::kNone;
}

void RecordDecoder::TakePayload(std::span<const std::uint8_t>& bytes, DatagramSink& sink) {
  const std::size_t taken = std::min(length_ - partial_.size(), bytes.size());
  const auto part = bytes.first(taken);
  bytes = bytes.subspan(taken);
  if (partial_.empty() && taken == length_) {
    header_size_ = 0;
    sink.OnDatagram(part);
    return;
  }
  partial_.insert(partial_.end(), part.begin(), part.end());
  if (partial_.size() < length_) return;
  header_size_ = 0;
  sink.OnDatagram(partial_);
  partial_.clear();
}

Fault RecordDecoder::Feed(std::span<const std::uint8_t> bytes, DatagramSink& sink) {
  Fault fault = TakeMagic(bytes);
  while (fault == Fault::kNone && !bytes.empty()) {
    if (header_size_ < kRecordHeader) fault = TakeHeader(bytes, sink);
    if (fault == Fault::kNone && header_size_ == kRecordHeader) TakePayload(bytes, sink);
  }
  return fault;
}

}  // namespace jitwg::ws
