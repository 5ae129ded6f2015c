#include "ws-ingress/source.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "lib/base/sodium.h"
#include "ws-ingress/connection_limits.h"

namespace jitwg::ingress {
namespace {

IpAddress Address(const std::string& text) { return *IpAddress::Parse(text); }
IpPrefix Prefix(const std::string& text) { return *IpPrefix::Parse(text); }
SourceNetwork Network(const std::string& text) { return SourceNetwork(Address(text)); }

TEST(SourceNetwork, IsAnAddressOfIpv4AndA64OfIpv6) {
  EXPECT_EQ(Network("192.0.2.1"), Network("192.0.2.1"));
  EXPECT_NE(Network("192.0.2.1"), Network("192.0.2.2"));
  EXPECT_EQ(Network("2001:db8::1"), Network("2001:db8::ffff:1"));
  EXPECT_NE(Network("2001:db8::1"), Network("2001:db8:0:1::1"));
  // 0.0.0.5 and ::5's network have the same bits in front.
  EXPECT_NE(Network("0.0.0.0"), Network("::5"));
}

TEST(AddressFor, IsTheSameForOneNetworkAndInsideThePrefix) {
  InitSodium();
  for (const std::string text : {"127.64.0.0/10", "10.9.0.0/24"}) {
    const IpPrefix prefix = Prefix(text);
    for (int i = 0; i < 1000; ++i) {
      const SourceNetwork network =
          Network("192.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
      const IpAddress address = AddressFor(network, prefix);
      EXPECT_TRUE(prefix.Contains(address)) << address.ToString();
      EXPECT_EQ(address, AddressFor(network, prefix));
      EXPECT_NE(address, prefix.address());
    }
  }
}

TEST(AddressFor, KeepsTwoThousandClientsApart) {
  InitSodium();
  std::set<IpAddress> addresses;
  for (int i = 0; i < 2000; ++i) {
    addresses.insert(
        AddressFor(Network("198.18." + std::to_string(i / 250) + "." + std::to_string(i % 250)),
                   Prefix("127.64.0.0/10")));
  }
  // About one pair of them meets in every second run (2000 of four million); ten never do.
  EXPECT_GT(addresses.size(), 1990U);
}

TEST(AddressAt, NeverGivesTheFirstNorTheLastAddress) {
  const IpPrefix prefix = Prefix("10.9.8.0/24");
  std::set<std::string> seen;
  for (std::uint64_t hash = 0; hash < 1000; ++hash) seen.insert(AddressAt(hash, prefix).ToString());
  EXPECT_EQ(seen.size(), 254U);
  EXPECT_FALSE(seen.contains("10.9.8.0"));
  EXPECT_FALSE(seen.contains("10.9.8.255"));
  EXPECT_EQ(AddressAt(0, prefix).ToString(), "10.9.8.1");
}

TEST(AddressAt, GivesEachHashA64OfItsOwnInIpv6) {
  const IpPrefix prefix = Prefix("fd00:1:2::/48");
  std::set<SourceNetwork> networks;
  for (std::uint64_t hash = 0; hash < 1000; ++hash) {
    const IpAddress address = AddressAt(hash, prefix);
    EXPECT_TRUE(prefix.Contains(address));
    networks.insert(SourceNetwork(address));
  }
  EXPECT_EQ(networks.size(), 1000U);
  EXPECT_EQ(AddressAt(0, prefix).ToString(), "fd00:1:2:1::1");
  EXPECT_TRUE(Prefix("::/0").Contains(AddressAt(~std::uint64_t{0}, Prefix("::/0"))));
}

TEST(CheckSourcePrefix, WantsRoomForClients) {
  EXPECT_TRUE(CheckSourcePrefix(Prefix("127.64.0.0/10")));
  EXPECT_TRUE(CheckSourcePrefix(Prefix("10.0.0.0/24")));
  EXPECT_FALSE(CheckSourcePrefix(Prefix("10.0.0.0/25")));
  EXPECT_TRUE(CheckSourcePrefix(Prefix("fd00::/56")));
  EXPECT_FALSE(CheckSourcePrefix(Prefix("fd00::/57")));
}

TEST(ForwardedClient, IsTheLastThatIsNoTrustedProxy) {
  const std::vector<IpPrefix> trusted = {Prefix("127.0.0.0/8"), Prefix("10.0.0.0/8")};
  EXPECT_EQ(ForwardedClient("192.0.2.1", trusted), Address("192.0.2.1"));
  EXPECT_EQ(ForwardedClient("203.0.113.9, 192.0.2.1", trusted), Address("192.0.2.1"));
  EXPECT_EQ(ForwardedClient("evil, 192.0.2.1 ,10.1.2.3,127.0.0.1", trusted), Address("192.0.2.1"));
  EXPECT_EQ(ForwardedClient("2001:db8::1", trusted), Address("2001:db8::1"));
  EXPECT_FALSE(ForwardedClient("", trusted));
  EXPECT_FALSE(ForwardedClient("10.0.0.1", trusted));
  EXPECT_FALSE(ForwardedClient("192.0.2.1, unknown", trusted));
  EXPECT_FALSE(ForwardedClient("192.0.2.1,", trusted));
}

TEST(ConnectionLimits, BoundsAllAndGivesPlacesBack) {
  ConnectionLimits limits(2, 10);
  auto first = limits.TakeAny();
  {
    const auto second = limits.TakeAny();
    EXPECT_TRUE(second);
    EXPECT_FALSE(limits.TakeAny());
    EXPECT_EQ(limits.open(), 2U);
  }
  EXPECT_TRUE(limits.TakeAny());
  const ConnectionLimits::Slot moved = std::move(*first);
  first.reset();
  EXPECT_EQ(limits.open(), 1U);
}

TEST(ConnectionLimits, BoundsEachSourceByItself) {
  ConnectionLimits limits(100, 2);
  const auto a1 = limits.TakeFrom(Network("192.0.2.1"));
  const auto a2 = limits.TakeFrom(Network("192.0.2.1"));
  EXPECT_TRUE(a1 && a2);
  EXPECT_FALSE(limits.TakeFrom(Network("192.0.2.1")));
  EXPECT_TRUE(limits.TakeFrom(Network("192.0.2.2")));
  {
    const auto v6 = limits.TakeFrom(Network("2001:db8::1"));
    const auto same_64 = limits.TakeFrom(Network("2001:db8::2"));
    EXPECT_FALSE(limits.TakeFrom(Network("2001:db8::3")));
  }
  EXPECT_TRUE(limits.TakeFrom(Network("2001:db8::3")));
}

}  // namespace
}  // namespace jitwg::ingress
