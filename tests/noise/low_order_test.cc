// Points of small order as ephemeral and as static key. With them anybody knows the "shared"
// secret, all zero; packets built on that knowledge must be refused although everything in them
// fits.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/noise/initiation.h"
#include "lib/noise/symmetric.h"
#include "tests/support/initiator.h"

namespace jitwg::noise {
namespace {

const Tai64n kStamp = Tai64n::FromUnix(1'700'000'000, 0);

// Every 255-bit encoding of a point of small order on Curve25519 and its twist (0, 1, two of order
// 8, p - 1, p, p + 1), each with bit 255 clear and set: X25519 ignores that bit (RFC 7748 section
// 5).
std::vector<PublicKey> LowOrderPoints() {
  const std::string ff30(60, 'f');
  std::vector<PublicKey> points;
  for (const std::string& hex :
       {std::string(64, '0'), "01" + std::string(62, '0'),
        std::string("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        std::string("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        "ec" + ff30 + "7f", "ed" + ff30 + "7f", "ee" + ff30 + "7f"}) {
    PublicKey point;
    EXPECT_TRUE(FromHex(hex, point.bytes)) << hex;
    points.push_back(point);
    point.bytes[31] |= 0x80;
    points.push_back(point);
  }
  return points;
}

class LowOrderTest : public ::testing::TestWithParam<PublicKey> {
 protected:
  Responder responder_{test::KeyFromSeed(1)};
  test::Initiator initiator_{2, responder_.public_key()};
};

TEST_P(LowOrderTest, IsRefusedAsEphemeral) {
  const auto packet = initiator_.InitiateFromPoint(GetParam(), kStamp);
  ASSERT_TRUE(responder_.CheckMac1(packet).has_value());
  const auto result = responder_.ConsumeInitiation(packet);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(ToString(result.error()), "bad_ephemeral");
  EXPECT_EQ(responder_.OpenStaticUnauthenticated(packet).error(), HandshakeError::kBadEphemeral);
}

TEST_P(LowOrderTest, IsRefusedAsStatic) {
  const auto packet = initiator_.Forge(GetParam(), kStamp);
  const auto claimed = responder_.OpenStaticUnauthenticated(packet);
  ASSERT_TRUE(claimed.has_value());
  EXPECT_EQ(*claimed, GetParam());
  const auto result = responder_.ConsumeInitiation(packet);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(ToString(result.error()), "bad_static_dh");
}

// Shows that the two tests above would see a missing check: all else in the packet opens with the
// all-zero secret.
TEST_P(LowOrderTest, WouldOpenIfAnAllZeroSecretWereTaken) {
  const auto packet = initiator_.InitiateFromPoint(GetParam(), kStamp);
  SymmetricState state(InitialHash(responder_.public_key()), GetParam().bytes);
  const std::array<std::uint8_t, 32> zero{};
  PublicKey opened;
  EXPECT_TRUE(
      state.DecryptAndHash(state.MixKey(zero), std::span(packet).subspan(40, 48), opened.bytes));
  EXPECT_EQ(opened, initiator_.public_key());
}

INSTANTIATE_TEST_SUITE_P(Points, LowOrderTest, ::testing::ValuesIn(LowOrderPoints()),
                         [](const auto& info) { return ToHex(info.param.bytes); });

}  // namespace
}  // namespace jitwg::noise
