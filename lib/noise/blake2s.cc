#include "lib/noise/blake2s.h"

#include <sodium/utils.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace jitwg::noise {
namespace {

Blake2sCompress FastestCompress() {
  static const Blake2sCompress fastest =
      Avx2Compress() != nullptr ? Avx2Compress() : &CompressPortable;
  return fastest;
}

}  // namespace

Blake2s::Blake2s(std::size_t digest_size, std::span<const std::uint8_t> key)
    : digest_size_(digest_size) {
  if (digest_size < 1 || digest_size > kHashSize || key.size() > kHashSize) std::abort();
  // The parameter block of RFC 7693 section 2.5: fanout and depth 1, key length, digest length.
  chain_[0] ^= static_cast<std::uint32_t>(0x01010000 | key.size() << 8 | digest_size);
  if (key.empty()) return;
  std::memcpy(buffer_.data(), key.data(), key.size());
  buffered_ = kBlake2sBlockSize;
}

Blake2s::~Blake2s() { sodium_memzero(this, sizeof(*this)); }

void Blake2s::Compress(const std::uint8_t* block, std::size_t length, bool last) {
  counter_ += length;
  FastestCompress()(chain_, block, counter_, last);
}

void Blake2s::CompressFullBlock() {
  if (buffered_ < kBlake2sBlockSize) return;
  Compress(buffer_.data(), kBlake2sBlockSize, false);
  buffered_ = 0;
}

void Blake2s::Update(std::span<const std::uint8_t> data) {
  while (!data.empty()) {
    CompressFullBlock();
    const std::size_t taken = std::min(data.size(), kBlake2sBlockSize - buffered_);
    std::memcpy(buffer_.data() + buffered_, data.data(), taken);
    buffered_ += taken;
    data = data.subspan(taken);
  }
}

void Blake2s::Final(std::span<std::uint8_t> digest) {
  if (digest.size() != digest_size_) std::abort();
  std::memset(buffer_.data() + buffered_, 0, kBlake2sBlockSize - buffered_);
  Compress(buffer_.data(), buffered_, true);
  std::memcpy(digest.data(), chain_.data(), digest.size());
}

Digest Hash(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  Blake2s hash;
  hash.Update(a);
  hash.Update(b);
  Digest digest;
  hash.Final(digest);
  return digest;
}

}  // namespace jitwg::noise
