// The contract's part about addresses: whose each is, and where that peer was seen last.
#include <chrono>

#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""s;

// The holder's key; a zero key for nobody.
PublicKey HolderOf(Registry& registry, const std::string& network, const std::string& address) {
  const auto holder = registry.FindHolder(network, *IpAddress::Parse(address));
  EXPECT_TRUE(holder) << (holder ? "" : holder.error().message);
  return holder && *holder ? (*holder)->public_key : PublicKey();
}

GatewayReport ReportOf(const std::string& gateway, const PublicKey& key, const char* address,
                       WallTime when) {
  GatewayReport report;
  report.gateway.name = gateway;
  Sighting sighting;
  sighting.public_key = key;
  sighting.interface = "wg0";
  sighting.endpoint = {*IpAddress::Parse(address), 51820, 0};
  sighting.seen_at = when;
  report.sightings = {sighting};
  return report;
}

TEST_P(RegistryContract, AnAddressIsThePeersThatHasItInAnAllowedIp) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.8.0.2/32", "fd08::2/128"}), false));
  ASSERT_TRUE(registry().Put(TestPeer(2, {"10.8.1.0/24", "fd08:0:0:1::/64"}), false));
  ASSERT_TRUE(registry().Put(TestPeer(3, {"10.8.0.3/32", "10.8.4.0/22"}), false));
  const struct {
    const char* address;
    unsigned holder;  // 0: nobody
  } cases[] = {
      {"10.8.0.2", 1},    {"fd08::2", 1},         {"10.8.1.0", 2}, {"10.8.1.255", 2},
      {"10.8.0.255", 0},  {"10.8.2.0", 0},        {"10.8.0.3", 3}, {"10.8.7.255", 3},
      {"10.8.3.255", 0},  {"10.8.8.0", 0},        {"10.8.0.1", 0}, {"fd08::3", 0},
      {"0.0.0.0", 0},     {"255.255.255.255", 0}, {"::", 0},       {"fd08:0:0:1:ffff::9", 2},
      {"fd08:0:0:2::", 0}};
  for (const auto& [address, number] : cases) {
    const PublicKey expected = number == 0 ? PublicKey() : TestKey(number);
    EXPECT_EQ(HolderOf(registry(), "default", address), expected) << address;
    EXPECT_EQ(HolderOf(registry(), "", address), expected) << address << " in any network";
    EXPECT_EQ(HolderOf(registry(), "elsewhere", address), PublicKey()) << address;
  }
}

TEST_P(RegistryContract, NetworksDoNotShareAddresses) {
  for (unsigned i = 1; i <= 3; ++i) {
    Peer peer = TestPeer(i, {"10.8.0.2/32", "10.8.1." + std::to_string(i) + "/32"});
    peer.network = "net-" + std::to_string(i);
    ASSERT_TRUE(registry().Put(peer, false));
  }
  for (unsigned i = 1; i <= 3; ++i) {
    EXPECT_EQ(HolderOf(registry(), "net-" + std::to_string(i), "10.8.0.2"), TestKey(i));
    EXPECT_EQ(HolderOf(registry(), "", "10.8.1." + std::to_string(i)), TestKey(i));
  }
  EXPECT_EQ(HolderOf(registry(), "", "10.8.0.2"), PublicKey())
      << "an address that several networks have is nobody's";
}

TEST_P(RegistryContract, AnAddressFollowsItsPeer) {
  EXPECT_EQ(HolderOf(registry(), "", "10.8.0.2"), PublicKey()) << "in an empty registry";
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.8.0.2/32"}), false));
  EXPECT_EQ(HolderOf(other(), "default", "10.8.0.2"), TestKey(1));
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.8.0.3/32"}), true));
  EXPECT_EQ(HolderOf(registry(), "default", "10.8.0.2"), PublicKey());
  EXPECT_EQ(HolderOf(registry(), "default", "10.8.0.3"), TestKey(1));
  ASSERT_TRUE(registry().Remove(TestKey(1)));
  EXPECT_EQ(HolderOf(registry(), "default", "10.8.0.3"), PublicKey());
}

TEST_P(RegistryContract, AHolderIsWhereItWasSeenLastByAnyGateway) {
  const IpAddress address = *IpAddress::Parse("10.8.0.2");
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.8.0.2/32"}), false));
  auto holder = registry().FindHolder("default", address);
  ASSERT_TRUE(holder && *holder);
  EXPECT_FALSE((*holder)->last_endpoint);
  const WallTime now = clock_.WallNow();
  clock_.Advance(60s);
  const PublicKey key = TestKey(1);
  ASSERT_TRUE(registry().Report(ReportOf("gw-a", key, "192.0.2.1", now + 20s)));
  ASSERT_TRUE(registry().Report(ReportOf("gw-b", key, "2001:db8::7", now + 30s)));
  ASSERT_TRUE(registry().Report(ReportOf("gw-c", key, "192.0.2.3", now + 10s)));
  holder = registry().FindHolder("default", address);
  ASSERT_TRUE(holder && *holder);
  ASSERT_TRUE((*holder)->last_endpoint);
  EXPECT_EQ((*holder)->last_endpoint->ToString(), "[2001:db8::7]:51820");
}

TEST_P(RegistryContract, AHolderIsAskedForInANetworkThatCanBe) {
  const auto refused = registry().FindHolder("Not A Network", *IpAddress::Parse("10.8.0.2"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace jitwg::registry
