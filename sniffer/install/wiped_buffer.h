// A byte buffer that is overwritten before its memory is given back: messages that carry private or
// preshared keys are built and received in it.
#pragma once

#include <sodium/utils.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace jitwg::sniffer {

// Fixed size, zeroed at first; aligned for every netlink header.
class WipedBuffer {
 public:
  explicit WipedBuffer(std::size_t size) : bytes_(size) {}
  ~WipedBuffer() { Wipe(); }
  WipedBuffer(const WipedBuffer&) = delete;
  WipedBuffer& operator=(const WipedBuffer&) = delete;

  std::uint8_t* data() { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  std::span<std::uint8_t> span() { return bytes_; }
  void Wipe() { sodium_memzero(bytes_.data(), bytes_.size()); }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace jitwg::sniffer
