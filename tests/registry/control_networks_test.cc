// The control plane's contract: networks, pools, and addresses out of them.
#include <thread>

#include "tests/registry/control_plane_contract.h"

namespace jitwg::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_P(ControlPlaneContract, NetworksComeBackByNameWithTheirPoolsInOrder) {
  PutPools("west", {"10.9.0.0/16", "10.8.0.0/24", "fd08::/64"});
  PutPools("east", {});
  const auto networks = control().ListNetworks();
  ASSERT_TRUE(networks);
  ASSERT_EQ(networks->size(), 2U);
  EXPECT_EQ((*networks)[0].name, "east");
  EXPECT_THAT((*networks)[0].pools, IsEmpty());
  EXPECT_EQ((*networks)[1].name, "west");
  EXPECT_EQ((*networks)[1].created_at, clock_.WallNow());
  EXPECT_THAT(Texts((*networks)[1].pools), ElementsAre("10.9.0.0/16", "10.8.0.0/24", "fd08::/64"));
}

TEST_P(ControlPlaneContract, ANetworkPutAgainHasNewPoolsAndItsFirstDay) {
  PutPools("west", {"10.9.0.0/16"});
  const WallTime created = clock_.WallNow();
  clock_.Advance(std::chrono::hours(1));
  PutPools("west", {"10.7.0.0/16"});
  const auto networks = control().ListNetworks();
  ASSERT_TRUE(networks && networks->size() == 1);
  EXPECT_EQ(networks->front().created_at, created);
  EXPECT_THAT(Texts(networks->front().pools), ElementsAre("10.7.0.0/16"));
}

TEST_P(ControlPlaneContract, NetworksWithoutSenseAreRefused) {
  const auto refuse = [&](const std::string& name, const std::vector<std::string>& pools) {
    Network network;
    network.name = name;
    for (const std::string& pool : pools) network.pools.push_back(*IpPrefix::Parse(pool));
    EXPECT_EQ(CodeOf(control().PutNetwork(network)), ErrorCode::kInvalidArgument) << name;
  };
  refuse("", {});
  refuse("West", {});
  refuse("overlap", {"10.8.0.0/16", "10.8.3.0/24"});
  refuse("small4", {"10.8.0.0/31"});
  refuse("small6", {"fd08::1/128"});
  refuse("many", std::vector<std::string>(kMaxPools + 1, "10.8.0.0/16"));
  const auto networks = control().ListNetworks();
  ASSERT_TRUE(networks);
  EXPECT_THAT(*networks, IsEmpty());
}

TEST_P(ControlPlaneContract, ANetworkGoesOnlyWithoutPeers) {
  PutPools("default", {"10.8.0.0/24"});
  ASSERT_THAT(Allocate(1), ElementsAre("10.8.0.1/32"));
  EXPECT_EQ(CodeOf(control().DeleteNetwork("default")), ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(control().Delete(TestKey(1)));
  EXPECT_TRUE(control().DeleteNetwork("default"));
  EXPECT_EQ(CodeOf(control().DeleteNetwork("default")), ErrorCode::kNotFound);
}

TEST_P(ControlPlaneContract, TheLowestFreeAddressOfEachFamilyIsGiven) {
  PutPools("default", {"10.8.0.0/24", "fd08::/64"});
  EXPECT_THAT(Allocate(1), ElementsAre("10.8.0.1/32", "fd08::1/128"));
  ASSERT_TRUE(control().Create(TestPeer(2, {"10.8.0.2/32", "10.8.0.4/31"})));
  EXPECT_THAT(Allocate(3), ElementsAre("10.8.0.3/32", "fd08::2/128"));
  EXPECT_THAT(Allocate(4), ElementsAre("10.8.0.6/32", "fd08::3/128"));
}

TEST_P(ControlPlaneContract, AFreedAddressIsGivenAgain) {
  PutPools("default", {"10.8.0.0/24"});
  for (unsigned i = 1; i <= 5; ++i) ASSERT_EQ(Allocate(i).size(), 1U);
  ASSERT_TRUE(control().Delete(TestKey(2)));
  ASSERT_TRUE(registry().Remove(TestKey(4)));
  EXPECT_THAT(Allocate(6), ElementsAre("10.8.0.2/32"));
  EXPECT_THAT(Allocate(7), ElementsAre("10.8.0.4/32"));
  EXPECT_THAT(Allocate(8), ElementsAre("10.8.0.6/32"));
  PeerPatch patch;
  patch.allowed_ips = {*IpPrefix::Parse("192.168.0.0/24")};
  ASSERT_TRUE(control().Update(TestKey(3), patch));
  EXPECT_THAT(Allocate(9), ElementsAre("10.8.0.3/32"));
}

TEST_P(ControlPlaneContract, APeerThatCoversThePoolFromOutsideIsNotOverlapped) {
  PutPools("default", {"10.8.0.0/24"});
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.0/25"})));
  EXPECT_THAT(Allocate(2), ElementsAre("10.8.0.128/32"));
  ASSERT_TRUE(control().Delete(TestKey(2)));
  ASSERT_TRUE(control().Create(TestPeer(3, {"10.8.0.128/25"})));
  EXPECT_EQ(CodeOf(control().Create(TestPeer(4, {}))), ErrorCode::kResourceExhausted);
  PutPools("elsewhere", {"10.8.0.0/24"});
  Peer elsewhere = TestPeer(5, {"10.0.0.0/8"});
  elsewhere.network = "elsewhere";
  ASSERT_TRUE(control().Create(elsewhere));
  elsewhere = TestPeer(6, {});
  elsewhere.network = "elsewhere";
  EXPECT_EQ(CodeOf(control().Create(elsewhere)), ErrorCode::kResourceExhausted);
}

TEST_P(ControlPlaneContract, AFullPoolHandsOnToTheNextAndTheLastSaysSo) {
  PutPools("default", {"10.8.0.0/30", "10.9.0.0/30"});
  EXPECT_THAT(Allocate(1), ElementsAre("10.8.0.1/32"));
  EXPECT_THAT(Allocate(2), ElementsAre("10.8.0.2/32"));
  EXPECT_THAT(Allocate(3), ElementsAre("10.9.0.1/32"));
  EXPECT_THAT(Allocate(4), ElementsAre("10.9.0.2/32"));
  for (int i = 0; i < 2; ++i) {
    const auto full = control().Create(TestPeer(5, {}));
    EXPECT_EQ(CodeOf(full), ErrorCode::kResourceExhausted);
    EXPECT_THAT(full.error().message, HasSubstr("default"));
  }
  EXPECT_FALSE(*control().Get(TestKey(5)));
  ASSERT_TRUE(control().Delete(TestKey(1)));
  EXPECT_THAT(Allocate(5), ElementsAre("10.8.0.1/32"));
}

TEST_P(ControlPlaneContract, IfOneFamilyIsUsedUpNothingIsGiven) {
  PutPools("default", {"10.8.0.0/30", "fd08::/127"});
  EXPECT_THAT(Allocate(1), ElementsAre("10.8.0.1/32", "fd08::1/128"));
  EXPECT_EQ(CodeOf(control().Create(TestPeer(2, {}))), ErrorCode::kResourceExhausted);
  PutPools("default", {"10.8.0.0/30"});
  EXPECT_THAT(Allocate(2), ElementsAre("10.8.0.2/32"));
}

TEST_P(ControlPlaneContract, TheEndsOfTheAddressSpaceDoNotWrapRound) {
  PutPools("default", {"255.255.255.252/30", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"});
  EXPECT_THAT(Allocate(1),
              ElementsAre("255.255.255.253/32", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"));
  EXPECT_EQ(CodeOf(control().Create(TestPeer(2, {}))), ErrorCode::kResourceExhausted);
  PutPools("default", {"255.255.255.252/30"});
  EXPECT_THAT(Allocate(2), ElementsAre("255.255.255.254/32"));
  EXPECT_EQ(CodeOf(control().Create(TestPeer(3, {}))), ErrorCode::kResourceExhausted);
}

TEST_P(ControlPlaneContract, WithoutPoolsAddressesMustBeNamed) {
  EXPECT_EQ(CodeOf(control().Create(TestPeer(1, {}))), ErrorCode::kNotFound);
  PutPools("default", {});
  EXPECT_EQ(CodeOf(control().Create(TestPeer(1, {}))), ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
}

TEST_P(ControlPlaneContract, ThoseWhoAllocateAtOnceNeverGetOneAddressTwice) {
  PutPools("default", {"10.8.0.0/24", "fd08::/64"});
  constexpr unsigned kThreads = 4;
  constexpr unsigned kEach = 25;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      ControlPlane& mine = i % 2 == 0 ? control() : other();
      for (unsigned n = 0; n < kEach; ++n) {
        const auto created = mine.Create(TestPeer(1 + i * kEach + n, {}));
        EXPECT_TRUE(created) << created.error().message;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  PeerFilter all;
  all.query.limit = kMaxListLimit;
  const auto peers = control().Search(all);
  ASSERT_TRUE(peers);
  std::vector<IpPrefix> addresses;
  for (const Peer& peer : *peers) addresses.push_back(peer.allowed_ips.front());
  std::sort(addresses.begin(), addresses.end());
  ASSERT_EQ(addresses.size(), kThreads * kEach);
  for (unsigned i = 0; i < addresses.size(); ++i) {
    EXPECT_EQ(addresses[i].ToString(), "10.8.0." + std::to_string(i + 1) + "/32");
  }
}

}  // namespace
}  // namespace jitwg::registry
