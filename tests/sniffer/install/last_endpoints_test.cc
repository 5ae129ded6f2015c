#include "sniffer/install/last_endpoints.h"

#include <gtest/gtest.h>

namespace jitwg::sniffer {
namespace {

PublicKey KeyOf(std::uint8_t number) {
  PublicKey key;
  key.bytes.fill(number);
  return key;
}

Endpoint At(std::uint16_t port) { return {*IpAddress::Parse("192.0.2.7"), port, 0}; }

TEST(LastEndpointsTest, TheNewestOfAKeyIsKept) {
  LastEndpoints endpoints(4);
  EXPECT_FALSE(endpoints.Find(KeyOf(1)));
  endpoints.Remember(KeyOf(1), At(1));
  endpoints.Remember(KeyOf(1), At(2));
  EXPECT_EQ(endpoints.Find(KeyOf(1)), At(2));
  EXPECT_EQ(endpoints.Find(KeyOf(1)), At(2)) << "looking forgets nothing";
  EXPECT_EQ(endpoints.size(), 1U);
}

TEST(LastEndpointsTest, WhoWasRememberedLongestAgoGoesForANewOne) {
  LastEndpoints endpoints(3);
  for (std::uint8_t i = 1; i <= 3; ++i) endpoints.Remember(KeyOf(i), At(i));
  endpoints.Remember(KeyOf(1), At(11));  // newer than 2 now
  endpoints.Remember(KeyOf(4), At(4));
  EXPECT_EQ(endpoints.size(), 3U);
  EXPECT_FALSE(endpoints.Find(KeyOf(2)));
  EXPECT_EQ(endpoints.Find(KeyOf(1)), At(11));
  EXPECT_EQ(endpoints.Find(KeyOf(3)), At(3));
  EXPECT_EQ(endpoints.Find(KeyOf(4)), At(4));
}

TEST(LastEndpointsTest, NothingIsRememberedWithoutRoom) {
  LastEndpoints endpoints(0);
  endpoints.Remember(KeyOf(1), At(1));
  EXPECT_FALSE(endpoints.Find(KeyOf(1)));
  EXPECT_EQ(endpoints.size(), 0U);
}

}  // namespace
}  // namespace jitwg::sniffer
