// BLAKE2s compression with AVX2: the state is four rows of four words, and one round's eight
// message words for a step are gathered by two permutations and a blend. Must give what
// CompressPortable gives.
#include "lib/noise/blake2s_compress.h"

#if defined(__x86_64__)

#include <immintrin.h>

// Every function here runs only after the processor was asked. Templates and inline functions of
// other headers must stay out of these functions, or the linker could keep their AVX2 copies for
// all.
#define JITWG_AVX2 __attribute__((target("avx2")))
#define JITWG_AVX2_INLINE __attribute__((target("avx2"), always_inline)) inline

namespace jitwg::noise {
namespace {

// Where the words of one step come from: lanes 0-3 are x of the four columns, lanes 4-7 are y. The
// diagonal step keeps row b in place, since b is the last to be ready, and turns the others; so
// lane j works on diagonal j - 1.
struct Gather {
  alignas(32) std::int32_t index[8];
  int from_high;
};

constexpr Gather MakeGather(int round, bool diagonal) {
  Gather gather{};
  for (int lane = 0; lane < 8; ++lane) {
    const int column = diagonal ? (lane + 3) % 4 : lane % 4;
    const int word = kBlake2sSigma[round][(diagonal ? 8 : 0) + 2 * column + lane / 4];
    gather.index[lane] = word % 8;
    gather.from_high |= word / 8 << lane;
  }
  return gather;
}

template <int kRound, bool kDiagonal>
constexpr Gather kGather = MakeGather(kRound, kDiagonal);

struct Rows {
  __m128i a, b, c, d;
};

struct Message {
  __m256i low, high;
};

template <int kBits>
JITWG_AVX2_INLINE __m128i RotateRight(__m128i x) {
  if constexpr (kBits == 16) {
    return _mm_shuffle_epi8(x, _mm_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2));
  } else if constexpr (kBits == 8) {
    return _mm_shuffle_epi8(x, _mm_set_epi8(12, 15, 14, 13, 8, 11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1));
  } else {
    return _mm_or_si128(_mm_srli_epi32(x, kBits), _mm_slli_epi32(x, 32 - kBits));
  }
}

// a + x is summed before b is needed: b is what the chain of dependencies waits for.
template <int kRotateD, int kRotateB>
JITWG_AVX2_INLINE void HalfMix(Rows& r, __m128i x) {
  r.a = _mm_add_epi32(_mm_add_epi32(r.a, x), r.b);
  r.d = RotateRight<kRotateD>(_mm_xor_si128(r.d, r.a));
  r.c = _mm_add_epi32(r.c, r.d);
  r.b = RotateRight<kRotateB>(_mm_xor_si128(r.b, r.c));
}

template <int kRound, bool kDiagonal>
JITWG_AVX2_INLINE void Step(Rows& r, const Message& m) {
  constexpr const Gather& gather = kGather<kRound, kDiagonal>;
  const __m256i index = _mm256_load_si256(reinterpret_cast<const __m256i*>(gather.index));
  const __m256i words =
      _mm256_blend_epi32(_mm256_permutevar8x32_epi32(m.low, index),
                         _mm256_permutevar8x32_epi32(m.high, index), gather.from_high);
  HalfMix<16, 12>(r, _mm256_castsi256_si128(words));
  HalfMix<8, 7>(r, _mm256_extracti128_si256(words, 1));
}

template <int kRound>
JITWG_AVX2_INLINE void Round(Rows& r, const Message& m) {
  Step<kRound, false>(r, m);
  r.a = _mm_shuffle_epi32(r.a, _MM_SHUFFLE(2, 1, 0, 3));
  r.c = _mm_shuffle_epi32(r.c, _MM_SHUFFLE(0, 3, 2, 1));
  r.d = _mm_shuffle_epi32(r.d, _MM_SHUFFLE(1, 0, 3, 2));
  Step<kRound, true>(r, m);
  r.a = _mm_shuffle_epi32(r.a, _MM_SHUFFLE(0, 3, 2, 1));
  r.c = _mm_shuffle_epi32(r.c, _MM_SHUFFLE(2, 1, 0, 3));
  r.d = _mm_shuffle_epi32(r.d, _MM_SHUFFLE(1, 0, 3, 2));
}

JITWG_AVX2_INLINE void AllRounds(Rows& r, const Message& m) {
  Round<0>(r, m);
  Round<1>(r, m);
  Round<2>(r, m);
  Round<3>(r, m);
  Round<4>(r, m);
  Round<5>(r, m);
  Round<6>(r, m);
  Round<7>(r, m);
  Round<8>(r, m);
  Round<9>(r, m);
}

JITWG_AVX2_INLINE __m128i Load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

JITWG_AVX2 void CompressAvx2(Blake2sChain& chain, const std::uint8_t* block, std::uint64_t counter,
                             bool last) {
  std::uint32_t* const h = reinterpret_cast<std::uint32_t*>(&chain);
  const __m128i low = Load(h);
  const __m128i high = Load(h + 4);
  const __m128i tweak = _mm_set_epi64x(last ? 0xffffffff : 0, static_cast<long long>(counter));
  const auto* const iv = reinterpret_cast<const std::uint32_t*>(&kBlake2sIv);
  Rows r{low, high, Load(iv), _mm_xor_si128(Load(iv + 4), tweak)};
  const Message m{_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block)),
                  _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32))};
  AllRounds(r, m);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(h), _mm_xor_si128(low, _mm_xor_si128(r.a, r.c)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(h + 4), _mm_xor_si128(high, _mm_xor_si128(r.b, r.d)));
}

}  // namespace

Blake2sCompress Avx2Compress() { return __builtin_cpu_supports("avx2") ? &CompressAvx2 : nullptr; }

}  // namespace jitwg::noise

#else

namespace jitwg::noise {

Blake2sCompress Avx2Compress() { return nullptr; }

}  // namespace jitwg::noise

#endif
