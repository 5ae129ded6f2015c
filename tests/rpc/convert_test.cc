#include "lib/rpc/convert.h"

#include <gtest/gtest.h>

namespace jitwg::rpc {
namespace {

TEST(RpcConvert, AKeyHasExactly32Bytes) {
  for (std::size_t size : {0U, 1U, 31U, 33U, 64U}) {
    const auto key = ParseKey(std::string(size, 'k'));
    ASSERT_FALSE(key) << size;
    EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(key.error().message.find(std::to_string(size)), std::string::npos);
  }
  const auto key = ParseKey(std::string(32, 'k'));
  ASSERT_TRUE(key);
  EXPECT_EQ(ToBytes(*key), std::string(32, 'k'));
}

TEST(RpcConvert, ASecretHasExactly32Bytes) {
  const auto secret = ParseSecretKey(std::string(32, 's'));
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->bytes()[31], 's');
  EXPECT_FALSE(ParseSecretKey(std::string(31, 's')));
  EXPECT_FALSE(ParseSecretKey(std::string(33, 's')));
}

TEST(RpcConvert, ATimeStampHasExactly12Bytes) {
  EXPECT_FALSE(ParseTai64n(std::string(11, 't')));
  EXPECT_FALSE(ParseTai64n(std::string(13, 't')));
  const Tai64n stamp = Tai64n::FromUnix(1700000000, 123456789);
  EXPECT_EQ(ParseTai64n(ToBytes(stamp)).value(), stamp);
}

TEST(RpcConvert, PrefixesSurviveBothWays) {
  for (const char* text : {"10.8.0.2/32", "0.0.0.0/0", "fd08::/64", "::/0", "2001:db8::1/128"}) {
    v1::IpPrefix message;
    Fill(IpPrefix::Parse(text).value(), &message);
    EXPECT_EQ(ParsePrefix(message).value().ToString(), text);
  }
}

TEST(RpcConvert, APrefixWithHostBitsLongLengthOrOddAddressIsRefused) {
  v1::IpPrefix message;
  message.set_address(std::string("\x0a\x08\x00\x01", 4));
  message.set_length(16);
  EXPECT_NE(ParsePrefix(message).error().message.find("10.8.0.0/16"), std::string::npos);
  message.set_length(33);
  EXPECT_FALSE(ParsePrefix(message));
  message.set_length(0xffffffff);
  EXPECT_FALSE(ParsePrefix(message));
  message.set_address("abcde");
  message.set_length(8);
  EXPECT_FALSE(ParsePrefix(message));
}

TEST(RpcConvert, AnEndpointPortHas16Bits) {
  v1::Endpoint message;
  message.set_address(std::string(4, '\x7f'));
  message.set_port(65536);
  EXPECT_FALSE(ParseEndpoint(message));
  message.set_port(65535);
  EXPECT_EQ(ParseEndpoint(message).value().port, 65535);
}

TEST(RpcConvert, TimesBeforeTheEpochHaveNonNegativeNanos) {
  google::protobuf::Timestamp message;
  const WallTime time = WallTime(std::chrono::milliseconds(-1));
  Fill(time, &message);
  EXPECT_EQ(message.seconds(), -1);
  EXPECT_EQ(message.nanos(), 999'000'000);
  EXPECT_EQ(ToWallTime(message), time);
}

TEST(RpcConvert, DurationsSurviveBothWays) {
  google::protobuf::Duration message;
  Fill(std::chrono::milliseconds(90'500), &message);
  EXPECT_EQ(ToDuration(message), std::chrono::milliseconds(90'500));
}

}  // namespace
}  // namespace jitwg::rpc
