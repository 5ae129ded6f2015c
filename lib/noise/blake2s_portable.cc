// BLAKE2s compression in plain C++, for every processor; written to be held beside RFC 7693
// section 3.
#include <bit>
#include <cstring>

#include "lib/noise/blake2s_compress.h"

namespace jitwg::noise {
namespace {

static_assert(std::endian::native == std::endian::little, "message words are loaded as they lie");

inline void Mix(std::uint32_t* v, int a, int b, int c, int d, std::uint32_t x, std::uint32_t y) {
  v[a] += v[b] + x;
  v[d] = std::rotr(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 12);
  v[a] += v[b] + y;
  v[d] = std::rotr(v[d] ^ v[a], 8);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 7);
}

}  // namespace

void CompressPortable(Blake2sChain& chain, const std::uint8_t* block, std::uint64_t counter,
                      bool last) {
  std::uint32_t m[16];
  std::memcpy(m, block, sizeof(m));
  std::uint32_t v[16];
  for (std::size_t i = 0; i < 8; ++i) {
    v[i] = chain[i];
    v[8 + i] = kBlake2sIv[i];
  }
  v[12] ^= static_cast<std::uint32_t>(counter);
  v[13] ^= static_cast<std::uint32_t>(counter >> 32);
  if (last) v[14] = ~v[14];
  for (const auto& s : kBlake2sSigma) {
    Mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
    Mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
    Mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
    Mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
    Mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
    Mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
    Mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
    Mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
  }
  for (std::size_t i = 0; i < 8; ++i) chain[i] ^= v[i] ^ v[8 + i];
}

}  // namespace jitwg::noise
