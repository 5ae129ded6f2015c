// BLAKE2s (RFC 7693), plain and keyed. The fastest compression function the processor has is chosen
// at run time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/noise/blake2s_compress.h"

namespace jitwg::noise {

inline constexpr std::size_t kHashSize = 32;
using Digest = std::array<std::uint8_t, kHashSize>;

// A hash being computed. Copyable, so that a state with a common beginning can be kept and
// continued many times. Wiped when it dies. Not thread-safe; copying from a const object is.
class Blake2s {
 public:
  // `digest_size` is 1..32 bytes and `key` 0..32 bytes, else the program ends; an empty key is the
  // plain hash.
  explicit Blake2s(std::size_t digest_size = kHashSize, std::span<const std::uint8_t> key = {});
  Blake2s(const Blake2s&) = default;
  Blake2s& operator=(const Blake2s&) = default;
  ~Blake2s();

  void Update(std::span<const std::uint8_t> data);

  // Compresses a block that is full now instead of at the next Update, so that copies need not do
  // it again. Only for a caller who will certainly add at least one byte more: BLAKE2 treats the
  // last block differently.
  void CompressFullBlock();

  // Writes the digest; `digest` has exactly the constructor's digest_size, else the program ends.
  // The object is spent.
  void Final(std::span<std::uint8_t> digest);

 private:
  void Compress(const std::uint8_t* block, std::size_t length, bool last);

  Blake2sChain chain_ = kBlake2sIv;
  std::uint64_t counter_ = 0;
  std::size_t digest_size_;
  std::size_t buffered_ = 0;
  std::array<std::uint8_t, kBlake2sBlockSize> buffer_{};
};

// HASH(a || b), the paper's HASH over one or two inputs.
Digest Hash(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b = {});

}  // namespace jitwg::noise
