#include "lib/base/key.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <unordered_set>

namespace jitwg {
namespace {

PublicKey KeyOf(std::uint8_t fill) {
  PublicKey key;
  key.bytes.fill(fill);
  return key;
}

const std::string kZeroBase64 = std::string(43, 'A') + "=";

TEST(PublicKeyTest, Base64RoundTrip) {
  for (const int fill : {0x00, 0x01, 0x7f, 0xfb, 0xff}) {
    const PublicKey key = KeyOf(static_cast<std::uint8_t>(fill));
    const auto parsed = ParsePublicKey(key.ToBase64());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, key);
  }
  EXPECT_EQ(KeyOf(0).ToBase64(), kZeroBase64);
}

TEST(PublicKeyTest, BlanksAroundAreIgnored) {
  EXPECT_TRUE(ParsePublicKey(" " + kZeroBase64 + "\r\n").has_value());
}

TEST(PublicKeyTest, WhatIsNoKeyIsRefusedWithItsTextAndAHint) {
  for (const std::string& text :
       {std::string(), std::string(" \n"), std::string("hello"), std::string(44, 'A'),
        kZeroBase64.substr(1), "A" + kZeroBase64, std::string(42, 'A') + "==",
        std::string(42, 'A') + "B=", std::string(20, 'A') + "*" + std::string(22, 'A') + "=",
        std::string(20, 'A') + "-" + std::string(22, 'A') + "="}) {
    const auto parsed = ParsePublicKey(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(parsed.error().message.find("'" + text + "'"), std::string::npos);
    EXPECT_NE(parsed.error().message.find("44 characters"), std::string::npos);
  }
}

TEST(PublicKeyTest, FromBytesTakesExactly32) {
  const std::string bytes(33, 'x');
  EXPECT_TRUE(PublicKey::FromBytes(std::string_view(bytes).substr(1)).has_value());
  EXPECT_FALSE(PublicKey::FromBytes(std::string_view(bytes)).has_value());
  EXPECT_FALSE(PublicKey::FromBytes(std::string_view(bytes).substr(2)).has_value());
  EXPECT_FALSE(PublicKey::FromBytes(std::string_view()).has_value());
}

TEST(PublicKeyTest, OnlyAllZeroIsZero) {
  EXPECT_TRUE(PublicKey().IsZero());
  PublicKey key;
  key.bytes[31] = 1;
  EXPECT_FALSE(key.IsZero());
}

TEST(PublicKeyTest, BytesThatAreNoAsciiAreNoDigits) {
  for (int byte = 0x80; byte <= 0xff; ++byte) {
    std::string text = kZeroBase64;
    text[20] = static_cast<char>(byte);
    EXPECT_FALSE(ParsePublicKey(text)) << byte;
    EXPECT_FALSE(ParseSecretKey(text)) << byte;
  }
}

TEST(SecretKeyTest, ErrorNeverRepeatsTheText) {
  const auto parsed = ParseSecretKey("my-secret-that-is-no-key");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().message.find("my-secret"), std::string::npos);
}

TEST(SecretKeyTest, Base64RoundTrip) {
  const PrivateKey key = GeneratePrivateKey();
  std::string text = SecretToBase64(key);
  const auto parsed = ParseSecretKey(text);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_TRUE(*parsed == key);
  WipeString(text);
  EXPECT_TRUE(text.empty());
}

// RFC 7748 section 6.1, Bob.
TEST(SecretKeyTest, PublicKeyAgreesWithTheRfc) {
  PrivateKey bob;
  ASSERT_TRUE(FromHex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
                      bob.mutable_bytes()));
  EXPECT_EQ(ToHex(DerivePublicKey(bob).bytes),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
}

TEST(SecretKeyTest, GeneratedKeysAreClampedAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    const PrivateKey key = GeneratePrivateKey();
    EXPECT_EQ(key.bytes()[0] & 7, 0);
    EXPECT_EQ(key.bytes()[31] & 0xc0, 0x40);
    EXPECT_TRUE(seen.insert(ToHex(key.bytes())).second);
  }
}

class KeyFileTest : public ::testing::Test {
 protected:
  ~KeyFileTest() override { std::remove(path_.c_str()); }
  void Write(const std::string& contents) { std::ofstream(path_) << contents; }
  const std::string path_ = ::testing::TempDir() + "/key_file_test." +
                            ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(KeyFileTest, ReadsOneLine) {
  Write(KeyOf(9).ToBase64() + "\n");
  const auto key = ReadSecretKeyFile(path_);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->bytes()[0], 9);
}

TEST_F(KeyFileTest, MissingFileIsNamed) {
  const auto key = ReadSecretKeyFile(path_);
  ASSERT_FALSE(key.has_value());
  EXPECT_EQ(key.error().code, ErrorCode::kNotFound);
  EXPECT_NE(key.error().message.find(path_), std::string::npos);
}

TEST_F(KeyFileTest, WhatIsNoKeyIsRefusedWithoutItsContents) {
  std::string two_lines = kZeroBase64;
  two_lines.append("\n").append(kZeroBase64);
  for (const std::string& contents :
       {std::string(), std::string("not-a-key\n"), std::string(500, 'A'), two_lines}) {
    Write(contents);
    const auto key = ReadSecretKeyFile(path_);
    ASSERT_FALSE(key.has_value());
    EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(key.error().message.find(path_), std::string::npos);
    EXPECT_EQ(key.error().message.find("not-a-key"), std::string::npos);
  }
}

TEST_F(KeyFileTest, FolderIsRefused) {
  EXPECT_FALSE(ReadSecretKeyFile(::testing::TempDir()).has_value());
}

TEST(HexTest, RoundTripAndExactLength) {
  std::array<std::uint8_t, 4> bytes{};
  ASSERT_TRUE(FromHex("00ff10aB", bytes));
  EXPECT_EQ(ToHex(bytes), "00ff10ab");
  for (const char* wrong : {"", "00ff10a", "00ff10ab0", "00ff10ag", "00ff10a\n", "00:ff10a"}) {
    EXPECT_FALSE(FromHex(wrong, bytes)) << wrong;
  }
}

TEST(PublicKeyHashTest, IsAFunctionAndSpreads) {
  std::unordered_set<std::size_t> hashes;
  for (int i = 0; i < 256; ++i) {
    const PublicKey key = KeyOf(static_cast<std::uint8_t>(i));
    EXPECT_EQ(PublicKeyHash()(key), PublicKeyHash()(key));
    hashes.insert(PublicKeyHash()(key));
  }
  EXPECT_EQ(hashes.size(), 256U);
}

}  // namespace
}  // namespace jitwg
