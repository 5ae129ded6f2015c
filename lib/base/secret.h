// Secret<N>: N bytes that nobody may read by accident. It cannot be copied or printed, compares in
// constant time and is wiped when it dies or is moved from.
#pragma once

#include <sodium/utils.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace jitwg {

template <std::size_t N>
class Secret {
 public:
  // All zero.
  Secret() = default;

  // Takes a copy of `bytes`; wiping the source is the caller's duty.
  static Secret CopyOf(std::span<const std::uint8_t, N> bytes) {
    Secret secret;
    std::memcpy(secret.bytes_.data(), bytes.data(), N);
    return secret;
  }

  // A deliberate copy, visible in review.
  Secret Clone() const { return CopyOf(bytes()); }

  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.Wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.Wipe();
    }
    return *this;
  }

  ~Secret() { Wipe(); }

  std::span<const std::uint8_t, N> bytes() const { return bytes_; }
  std::span<std::uint8_t, N> mutable_bytes() { return bytes_; }

  bool IsZero() const { return sodium_is_zero(bytes_.data(), N) != 0; }
  void Wipe() { sodium_memzero(bytes_.data(), N); }

  // Constant time in the contents.
  friend bool operator==(const Secret& a, const Secret& b) {
    return sodium_memcmp(a.bytes_.data(), b.bytes_.data(), N) == 0;
  }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

}  // namespace jitwg
