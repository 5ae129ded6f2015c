#include "lib/ws/output_buffer.h"

#include <cstring>

namespace jitwg::ws {
namespace {

// Thousands of connections are idle; what one keeps while it is counts.
constexpr std::size_t kKeptWhileEmpty = 4096;

}  // namespace

void OutputBuffer::Append(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  std::memcpy(Extend(bytes.size()).data(), bytes.data(), bytes.size());
}

void OutputBuffer::Reserve(std::size_t count) { bytes_.reserve(bytes_.size() + count); }

std::span<std::uint8_t> OutputBuffer::Extend(std::size_t count) {
  // Moving what is left is worth it when at least as much is in front of it.
  if (consumed_ > 0 && consumed_ >= size()) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(consumed_));
    consumed_ = 0;
  }
  const std::size_t old_size = bytes_.size();
  bytes_.resize(old_size + count);
  return std::span<std::uint8_t>(bytes_).subspan(old_size);
}

void OutputBuffer::Consume(std::size_t count) {
  consumed_ += count;
  if (consumed_ < bytes_.size()) return;
  consumed_ = 0;
  bytes_.clear();
  if (bytes_.capacity() > kKeptWhileEmpty) bytes_.shrink_to_fit();
}

}  // namespace jitwg::ws
