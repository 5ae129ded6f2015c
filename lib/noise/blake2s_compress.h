// The BLAKE2s compression function (RFC 7693 section 3.2) in a portable and an AVX2 form that give
// the same result. Internal to lib/noise and its tests; use blake2s.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace jitwg::noise {

inline constexpr std::size_t kBlake2sBlockSize = 64;

// RFC 7693 section 2.6, little-endian words of SHA-256's initial value.
inline constexpr std::array<std::uint32_t, 8> kBlake2sIv = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// RFC 7693 section 2.7: which message word each of a round's 16 slots takes.
inline constexpr std::uint8_t kBlake2sSigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

using Blake2sChain = std::array<std::uint32_t, 8>;

// Folds the 64 bytes at `block` into `chain`. `counter` is the number of bytes hashed so far, this
// block included and its padding not; `last` marks the final block.
using Blake2sCompress = void (*)(Blake2sChain& chain, const std::uint8_t* block,
                                 std::uint64_t counter, bool last);

void CompressPortable(Blake2sChain& chain, const std::uint8_t* block, std::uint64_t counter,
                      bool last);

// nullptr where the processor or the build has no AVX2.
Blake2sCompress Avx2Compress();

}  // namespace jitwg::noise
