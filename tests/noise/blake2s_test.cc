// BLAKE2s against RFC 7693, against libb2, and its two compression functions against each other.
#include "lib/noise/blake2s.h"

#include <blake2.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/key.h"

namespace jitwg::noise {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes RandomBytes(std::mt19937& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

Bytes Blake2sOf(std::size_t digest_size, const Bytes& key, const Bytes& data) {
  Blake2s hash(digest_size, key);
  hash.Update(data);
  Bytes digest(digest_size);
  hash.Final(digest);
  return digest;
}

Bytes Libb2Of(std::size_t digest_size, const Bytes& key, const Bytes& data) {
  Bytes digest(digest_size);
  EXPECT_EQ(::blake2s(digest.data(), data.data(), key.data(), digest_size, data.size(), key.size()),
            0);
  return digest;
}

// RFC 7693 appendix B.
TEST(Blake2sTest, HashesAbcAsTheRfcDoes) {
  EXPECT_EQ(ToHex(Blake2sOf(32, {}, {'a', 'b', 'c'})),
            "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

// RFC 7693 appendix E: a hash over the digests of many sizes, plain and keyed.
Bytes RfcSequence(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t a = 0xDEAD4BADU * static_cast<std::uint32_t>(size);
  std::uint32_t b = 1;
  for (auto& byte : bytes) {
    const std::uint32_t sum = a + b;
    a = b;
    b = sum;
    byte = static_cast<std::uint8_t>(sum >> 24);
  }
  return bytes;
}

TEST(Blake2sTest, PassesTheRfcsSelfTest) {
  Blake2s all;
  for (const std::size_t digest_size : {16U, 20U, 28U, 32U}) {
    for (const std::size_t size : {0U, 3U, 64U, 65U, 255U, 1024U}) {
      const Bytes data = RfcSequence(size);
      all.Update(Blake2sOf(digest_size, {}, data));
      all.Update(Blake2sOf(digest_size, RfcSequence(digest_size), data));
    }
  }
  Digest digest;
  all.Final(digest);
  EXPECT_EQ(ToHex(digest), "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

TEST(Blake2sTest, AgreesWithLibb2ForEveryLengthUpToFiveBlocks) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size <= 5 * kBlake2sBlockSize; ++size) {
    const Bytes data = RandomBytes(random, size);
    const Bytes key = RandomBytes(random, 1 + random() % 32);
    ASSERT_EQ(Blake2sOf(32, {}, data), Libb2Of(32, {}, data)) << size;
    ASSERT_EQ(Blake2sOf(16, key, data), Libb2Of(16, key, data)) << size;
  }
}

TEST(Blake2sTest, AgreesWithLibb2ForRandomDigestKeyAndDataSizes) {
  std::mt19937 random(2);
  for (int i = 0; i < 2000; ++i) {
    const std::size_t digest_size = 1 + random() % 32;
    const Bytes key = RandomBytes(random, random() % 33);
    const Bytes data = RandomBytes(random, random() % 2000);
    ASSERT_EQ(Blake2sOf(digest_size, key, data), Libb2Of(digest_size, key, data));
  }
}

TEST(Blake2sTest, PiecesGiveTheHashOfTheWhole) {
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    const Bytes data = RandomBytes(random, random() % 400);
    Blake2s hash;
    std::span<const std::uint8_t> rest = data;
    while (!rest.empty()) {
      const std::size_t taken = std::min<std::size_t>(rest.size(), random() % 130);
      hash.Update(rest.first(taken));
      rest = rest.subspan(taken);
    }
    Bytes digest(32);
    hash.Final(digest);
    ASSERT_EQ(digest, Libb2Of(32, {}, data));
  }
}

TEST(Blake2sTest, KeptKeyedStateContinuesLikeAFreshOne) {
  std::mt19937 random(4);
  const Bytes key = RandomBytes(random, 32);
  Blake2s kept(16, key);
  kept.CompressFullBlock();
  for (const std::size_t size : {1U, 64U, 116U, 200U}) {
    const Bytes data = RandomBytes(random, size);
    Blake2s copy = kept;
    copy.Update(data);
    Bytes digest(16);
    copy.Final(digest);
    EXPECT_EQ(digest, Libb2Of(16, key, data)) << size;
  }
}

TEST(Blake2sTest, CompressFullBlockLeavesAPartialBlockAlone) {
  const Bytes data(63, 0xa5);
  Blake2s hash;
  hash.Update(data);
  hash.CompressFullBlock();
  Bytes digest(32);
  hash.Final(digest);
  EXPECT_EQ(digest, Libb2Of(32, {}, data));
}

TEST(Blake2sTest, HashOfTwoPartsIsThatOfTheirConcatenation) {
  const Bytes a(40, 1);
  const Bytes b(50, 2);
  Bytes both = a;
  both.insert(both.end(), b.begin(), b.end());
  const Digest digest = Hash(a, b);
  EXPECT_EQ(Bytes(digest.begin(), digest.end()), Libb2Of(32, {}, both));
}

TEST(Blake2sDeathTest, WrongSizesEndTheProgram) {
  const Bytes long_key(33);
  EXPECT_DEATH(Blake2s(0), "");
  EXPECT_DEATH(Blake2s(33), "");
  EXPECT_DEATH(Blake2s(32, long_key), "");
  Bytes short_digest(31);
  EXPECT_DEATH(Blake2s(32).Final(short_digest), "");
}

TEST(Blake2sCompressTest, Avx2AndPortableAgree) {
  const Blake2sCompress avx2 = Avx2Compress();
  ASSERT_NE(avx2, nullptr) << "run this on a processor with AVX2: its code is untested here";
  std::mt19937_64 random(5);
  for (int i = 0; i < 20'000; ++i) {
    Blake2sChain chain;
    for (auto& word : chain) word = static_cast<std::uint32_t>(random());
    std::array<std::uint8_t, kBlake2sBlockSize + 1> block;
    for (auto& byte : block) byte = static_cast<std::uint8_t>(random());
    const std::uint64_t counter = i % 3 == 0 ? random() : random() % 1000;
    const bool last = i % 2 == 0;
    Blake2sChain other = chain;
    // One byte off, so that neither may count on alignment.
    avx2(chain, block.data() + 1, counter, last);
    CompressPortable(other, block.data() + 1, counter, last);
    ASSERT_EQ(chain, other) << "round " << i;
  }
}

// The portable form by itself, since the class above takes the fastest: RFC 7693 appendix B, one
// block.
TEST(Blake2sCompressTest, PortableFormGivesTheRfcsAbc) {
  Blake2sChain chain = kBlake2sIv;
  chain[0] ^= 0x01010020;
  const std::array<std::uint8_t, kBlake2sBlockSize> block = {'a', 'b', 'c'};
  CompressPortable(chain, block.data(), 3, true);
  EXPECT_EQ(chain[0], 0x8c5e8c50U);
  EXPECT_EQ(chain[7], 0x82596786U);
}

}  // namespace
}  // namespace jitwg::noise
