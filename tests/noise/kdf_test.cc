// HMAC-BLAKE2s, the KDF and the symmetric state against values computed once with Python 3.11
// (hashlib.blake2s, hmac and cryptography's ChaCha20Poly1305): an independent implementation.
#include "lib/noise/kdf.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "lib/base/key.h"
#include "lib/noise/symmetric.h"

namespace jitwg::noise {
namespace {

// 32 bytes counting up from `first`.
std::array<std::uint8_t, 32> CountFrom(int first) {
  std::array<std::uint8_t, 32> bytes;
  std::iota(bytes.begin(), bytes.end(), static_cast<std::uint8_t>(first));
  return bytes;
}

template <std::size_t kSize>
std::string Hex(const Secret<kSize>& secret) {
  return ToHex(secret.bytes());
}

std::vector<std::uint8_t> Unhex(const std::string& hex) {
  std::vector<std::uint8_t> bytes(hex.size() / 2);
  EXPECT_TRUE(FromHex(hex, bytes));
  return bytes;
}

// hmac.new(bytes(range(32)), input, hashlib.blake2s)
TEST(HmacBlake2sTest, AgreesWithPython) {
  const HmacBlake2s hmac(CountFrom(0));
  EXPECT_EQ(Hex(hmac.Mac(CountFrom(0x40))),
            "2c89e64cda4681bf3a4112a300cca0ddf04db1f9dd452568b639e88baeadf8ef");
  const std::array<std::uint8_t, 1> one = {1};
  EXPECT_EQ(Hex(hmac.Mac(one)), "0eb5b63e94eb0ee56be66329386c25cca6d38e699ce487595a1bfa66e6968f35");
  std::array<std::uint8_t, 200> longer;
  std::iota(longer.begin(), longer.end(), std::uint8_t{0});
  EXPECT_EQ(Hex(hmac.Mac(longer)),
            "543eec9b22646365ef782d72dae137cc761d018005f8d33d0f20bfbd01e62974");
}

TEST(KdfTest, FirstAndSecondOutputAgreeWithPython) {
  const HmacBlake2s chaining_key(CountFrom(0));
  const std::string first = "a308e29d3a10567bd1ac089e27310bd54ec6522ca2118240c3dd2416f7dc23fa";
  EXPECT_EQ(Hex(Kdf1(chaining_key, CountFrom(0x40))), first);
  const KdfPair pair = Kdf2(chaining_key, CountFrom(0x40));
  EXPECT_EQ(Hex(pair.first), first);
  EXPECT_EQ(Hex(pair.second), "c68caa124476385ed5f83d7aa98ebe58c9b636f48586d36061cf3781cc84b9a7");
}

// Responder key 00..1f, ephemeral 40..5f, shared secret 80..9f mixed twice; "hello" sealed after
// the first key.
class SymmetricTest : public ::testing::Test {
 protected:
  const PublicKey responder_{CountFrom(0)};
  SymmetricState state_{InitialHash(responder_), CountFrom(0x40)};
  const std::vector<std::uint8_t> hello_ = Unhex("cc57f5faa80840474ebe6d83ed4244e8b20f037f72");
};

TEST_F(SymmetricTest, InitialHashAgreesWithPython) {
  EXPECT_EQ(ToHex(InitialHash(responder_)),
            "af5bda9f817935e310e8582745849c28caf3828bb65e1ecfe887509383da1763");
}

TEST_F(SymmetricTest, EachMixKeyGoesOnFromTheLast) {
  EXPECT_EQ(Hex(state_.MixKey(CountFrom(0x80))),
            "0e7667b7d8ec3cb9f6aa51ba7f36c298b4a531d22c514d8e20db42fe612f6d9d");
  EXPECT_EQ(Hex(state_.MixKey(CountFrom(0x80))),
            "86463db47a6b9491cbf15b2b643c60cd044016e3b806f54fa831f68beca0ed8b");
}

TEST_F(SymmetricTest, DecryptAndHashBindsTheNextMessageToThisOne) {
  const SymmetricKey first = state_.MixKey(CountFrom(0x80));
  std::array<std::uint8_t, 5> plain;
  ASSERT_TRUE(state_.DecryptAndHash(first, hello_, plain));
  EXPECT_EQ(std::string(plain.begin(), plain.end()), "hello");
  const SymmetricKey second = state_.MixKey(CountFrom(0x80));
  ASSERT_TRUE(state_.Decrypt(second, Unhex("2a6597b08f8de100c3342778d34fc91ae8a0381e95"), plain));
  EXPECT_EQ(std::string(plain.begin(), plain.end()), "world");
}

TEST_F(SymmetricTest, FailedDecryptionLeavesTheTranscriptAlone) {
  const SymmetricKey key = state_.MixKey(CountFrom(0x80));
  std::vector<std::uint8_t> broken = hello_;
  broken.back() ^= 1;
  std::array<std::uint8_t, 5> plain;
  EXPECT_FALSE(state_.DecryptAndHash(key, broken, plain));
  EXPECT_TRUE(state_.DecryptAndHash(key, hello_, plain));
}

TEST_F(SymmetricTest, AnotherTranscriptDoesNotOpenIt) {
  const SymmetricKey key = state_.MixKey(CountFrom(0x80));
  state_.MixHash(hello_);
  std::array<std::uint8_t, 5> plain;
  EXPECT_FALSE(state_.Decrypt(key, hello_, plain));
}

}  // namespace
}  // namespace jitwg::noise
