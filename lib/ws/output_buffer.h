// Bytes on their way out: appended at the end, consumed at the front. Bounds itself by nothing; who
// appends looks at size() first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace jitwg::ws {

class OutputBuffer {
 public:
  std::span<const std::uint8_t> pending() const {
    return std::span<const std::uint8_t>(bytes_).subspan(consumed_);
  }
  std::size_t size() const { return bytes_.size() - consumed_; }
  bool empty() const { return size() == 0; }

  // Room for `count` more bytes at once, for who is about to append many pieces.
  void Reserve(std::size_t count);
  void Append(std::span<const std::uint8_t> bytes);
  // `count` bytes at the end to be written by the caller, before anything else is called.
  std::span<std::uint8_t> Extend(std::size_t count);
  // The first `count` pending bytes are done with. An empty buffer gives large memory back.
  void Consume(std::size_t count);

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t consumed_ = 0;
};

}  // namespace jitwg::ws
