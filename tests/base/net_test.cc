#include "lib/base/net.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace jitwg {
namespace {

IpAddress Address(const std::string& text) { return IpAddress::Parse(text).value(); }
IpPrefix Prefix(const std::string& text) { return IpPrefix::Parse(text).value(); }

TEST(IpAddressTest, ParsesAndPrintsBothFamilies) {
  for (const std::string text :
       {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2:3:4"}) {
    EXPECT_EQ(Address(text).ToString(), text);
  }
  EXPECT_EQ(Address("2001:DB8:0:0::1").ToString(), "2001:db8::1");
}

TEST(IpAddressTest, WhatIsNoAddressIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("1.2.3"), std::string("1.2.3.256"), std::string("1.2.3.4 "),
        std::string("01.2.3.4.5"), std::string("fe80::1%eth0"), std::string("::g"),
        std::string("10.0.0.1/8"), std::string("1.2.3.4\0.evil", 13), std::string(200, '1')}) {
    const auto address = IpAddress::Parse(text);
    ASSERT_FALSE(address.has_value()) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(IpAddressTest, FromBytesTakes4Or16) {
  const std::vector<std::uint8_t> bytes(17, 1);
  const std::span<const std::uint8_t> all(bytes);
  EXPECT_EQ(IpAddress::FromBytes(all.first(4))->ToString(), "1.1.1.1");
  EXPECT_FALSE(IpAddress::FromBytes(all.first(16))->is_v4());
  for (const std::size_t size : {0U, 3U, 5U, 15U, 17U}) {
    EXPECT_FALSE(IpAddress::FromBytes(all.first(size)).has_value()) << size;
  }
}

TEST(IpAddressTest, BytesGoOutAsTheyCameIn) {
  const auto v6 = Address("2001:db8::ff");
  ASSERT_EQ(v6.bytes().size(), 16U);
  EXPECT_EQ(IpAddress::FromBytes(v6.bytes()).value(), v6);
  EXPECT_EQ(Address("192.0.2.1").bytes().size(), 4U);
}

TEST(IpAddressTest, MappedV6IsNotV4) { EXPECT_NE(Address("::ffff:1.2.3.4"), Address("1.2.3.4")); }

TEST(IpPrefixTest, HostBitsAreCleared) {
  EXPECT_EQ(Prefix("10.8.3.4/16").ToString(), "10.8.0.0/16");
  EXPECT_EQ(Prefix("10.8.3.255/25").ToString(), "10.8.3.128/25");
  EXPECT_EQ(Prefix("fd08::ffff/65").ToString(), "fd08::/65");
  EXPECT_EQ(Prefix("255.255.255.255/0").ToString(), "0.0.0.0/0");
  EXPECT_EQ(Prefix("10.8.3.4/16"), Prefix("10.8.0.0/16"));
}

TEST(IpPrefixTest, BareAddressIsAHost) {
  EXPECT_EQ(Prefix("10.8.0.2").length(), 32);
  EXPECT_EQ(Prefix("fd08::2").length(), 128);
}

TEST(IpPrefixTest, WhatIsNoPrefixIsRefused) {
  for (const std::string text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/-0", "10.0.0.0/+8",
        "10.0.0.0/8x", "10.0.0.0/ 8", "10.0.0.0/8/8", "10.0.0.0/99999999999", "fd08::/129",
        "fd08::/0x10", "example.org/24"}) {
    EXPECT_FALSE(IpPrefix::Parse(text).has_value()) << text;
  }
}

TEST(IpPrefixTest, MakeChecksTheLengthOfTheFamily) {
  EXPECT_TRUE(IpPrefix::Make(Address("10.0.0.1"), 32).has_value());
  EXPECT_FALSE(IpPrefix::Make(Address("10.0.0.1"), 33).has_value());
  EXPECT_FALSE(IpPrefix::Make(Address("10.0.0.1"), -1).has_value());
  EXPECT_TRUE(IpPrefix::Make(Address("fd08::1"), 128).has_value());
}

TEST(IpPrefixTest, EachLengthContainsItsOwnAndNotTheNeighbour) {
  for (int length = 1; length <= 32; ++length) {
    const auto prefix = IpPrefix::Make(Address("170.170.170.170"), length).value();
    EXPECT_TRUE(prefix.Contains(Address("170.170.170.170"))) << length;
    std::array<std::uint8_t, 4> flipped = {170, 170, 170, 170};
    flipped[static_cast<std::size_t>((length - 1) / 8)] ^=
        static_cast<std::uint8_t>(0x80 >> (length - 1) % 8);
    EXPECT_FALSE(prefix.Contains(IpAddress::V4(flipped))) << length;
  }
}

TEST(IpPrefixTest, FamiliesNeverMix) {
  EXPECT_FALSE(Prefix("0.0.0.0/0").Contains(Address("::1")));
  EXPECT_FALSE(Prefix("::/0").Contains(Address("1.2.3.4")));
  EXPECT_FALSE(Prefix("0.0.0.0/0").Overlaps(Prefix("::/0")));
}

TEST(IpPrefixTest, ContainsAndOverlaps) {
  EXPECT_TRUE(Prefix("10.0.0.0/8").Contains(Prefix("10.8.0.0/16")));
  EXPECT_FALSE(Prefix("10.8.0.0/16").Contains(Prefix("10.0.0.0/8")));
  EXPECT_TRUE(Prefix("10.8.0.0/16").Overlaps(Prefix("10.0.0.0/8")));
  EXPECT_TRUE(Prefix("10.8.0.0/16").Contains(Prefix("10.8.0.0/16")));
  EXPECT_FALSE(Prefix("10.8.0.0/16").Overlaps(Prefix("10.9.0.0/16")));
  EXPECT_TRUE(Prefix("::/0").Contains(Prefix("fd08::1")));
}

TEST(EndpointTest, PrintsAsWgDoes) {
  EXPECT_EQ((Endpoint{Address("192.0.2.1"), 51820, 0}).ToString(), "192.0.2.1:51820");
  EXPECT_EQ((Endpoint{Address("2001:db8::1"), 1, 0}).ToString(), "[2001:db8::1]:1");
  EXPECT_EQ((Endpoint{Address("fe80::1"), 51820, 2}).ToString(), "[fe80::1%2]:51820");
}

}  // namespace
}  // namespace jitwg
