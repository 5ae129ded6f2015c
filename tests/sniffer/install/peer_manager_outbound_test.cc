// Installations that nobody called for: where the gateway may call, and whom never.
#include "sniffer/install/peer_manager.h"
#include "tests/sniffer/install/manager_fixture.h"

namespace jitwg::testing {
namespace {

using sniffer::InstallRequest;
using sniffer::OutboundWish;
using sniffer::PeerOutcome;

const Endpoint kHome{*IpAddress::Parse("192.0.2.7"), 4000, 0};
const Endpoint kElsewhere{*IpAddress::Parse("203.0.113.9"), 666, 0};

class PeerManagerOutboundTest : public PeerManagerFixture {
 protected:
  static InstallRequest Wish(unsigned n, std::optional<Endpoint> suggested = {},
                             bool was_asked = true) {
    auto request = Request(n, {"10.8.0." + std::to_string(n) + "/32"});
    request.outbound = OutboundWish{was_asked, suggested};
    return request;
  }
  // In with a handshake at `endpoint`, listed, and gone again.
  void ComeAndGo(unsigned n, const Endpoint& endpoint) {
    auto request = Request(n, {"10.8.0." + std::to_string(n) + "/32"});
    request.endpoint = endpoint;
    ASSERT_EQ(Install(std::move(request)).outcome, PeerOutcome::kInstalled);
    kernel_.CompleteHandshake("wg0", TestKey(n), clock_.WallNow());
    ASSERT_TRUE(manager_->Refresh());
    ASSERT_EQ(Remove(n), PeerOutcome::kRemoved);
  }
};

TEST_F(PeerManagerOutboundTest, APeerIsCalledWhereItWasLast) {
  Start();
  ComeAndGo(2, kHome);
  EXPECT_EQ(Install(Wish(2)).outcome, PeerOutcome::kInstalled);
  EXPECT_EQ(kernel_.Peer("wg0", TestKey(2))->endpoint, kHome);
  EXPECT_EQ(kernel_.Initiations("wg0", TestKey(2)), 1u);
  EXPECT_EQ(kernel_.Peer("wg0", TestKey(2))->persistent_keepalive, 0);
}

TEST_F(PeerManagerOutboundTest, WhatTheSnifferRemembersWinsOverASuggestion) {
  Start();
  ComeAndGo(2, kHome);
  EXPECT_EQ(Install(Wish(2, kElsewhere)).outcome, PeerOutcome::kInstalled);
  EXPECT_EQ(kernel_.Peer("wg0", TestKey(2))->endpoint, kHome);
}

TEST_F(PeerManagerOutboundTest, ASuggestionServesWhenNothingIsRemembered) {
  Start();
  EXPECT_EQ(Install(Wish(2, kElsewhere)).outcome, PeerOutcome::kInstalled);
  EXPECT_EQ(kernel_.Peer("wg0", TestKey(2))->endpoint, kElsewhere);
  EXPECT_EQ(kernel_.Initiations("wg0", TestKey(2)), 1u);
}

TEST_F(PeerManagerOutboundTest, NobodyIsInstalledWhomNobodyKnowsWhereToCall) {
  Start();
  const auto result = Install(Wish(2));
  EXPECT_EQ(result.outcome, PeerOutcome::kNoEndpoint);
  EXPECT_FALSE(result.message.empty());
  EXPECT_EQ(kernel_.peer_count("wg0"), 0u);
  EXPECT_EQ(kernel_.changes(), 0u);
  EXPECT_EQ(manager_->own_count(), 0u);
  EXPECT_FALSE(manager_->IsRouted(*IpAddress::Parse("10.8.0.2"))) << "its addresses are free";
}

TEST_F(PeerManagerOutboundTest, NobodyIsInstalledForWhomNoPacketAsked) {
  Start();
  ComeAndGo(2, kHome);
  EXPECT_EQ(Install(Wish(2, kElsewhere, /*was_asked=*/false)).outcome, PeerOutcome::kNoEndpoint);
  EXPECT_EQ(kernel_.peer_count("wg0"), 0u);
}

TEST_F(PeerManagerOutboundTest, ASuggestionThatIsNoEndpointIsNone) {
  Start();
  for (const char* address : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "::1"}) {
    const Endpoint odd{*IpAddress::Parse(address), 4000, 0};
    EXPECT_EQ(Install(Wish(2, odd)).outcome, PeerOutcome::kNoEndpoint) << address;
  }
  EXPECT_EQ(Install(Wish(2, Endpoint{kElsewhere.address, 0, 0})).outcome, PeerOutcome::kNoEndpoint);
}

TEST_F(PeerManagerOutboundTest, APeerThatIsInKeepsItsEndpoint) {
  Start();
  EXPECT_EQ(Outcome(2, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  EXPECT_EQ(Install(Wish(2, kElsewhere)).outcome, PeerOutcome::kUnchanged);
  auto changed = Wish(2, kElsewhere);
  changed.persistent_keepalive = 25;
  EXPECT_EQ(Install(std::move(changed)).outcome, PeerOutcome::kUpdated);
  EXPECT_FALSE(kernel_.Peer("wg0", TestKey(2))->endpoint);
}

TEST_F(PeerManagerOutboundTest, APeerThatMayBeInKeepsItsEndpoint) {
  Start();
  ComeAndGo(2, kHome);
  kernel_.FailEverything(ETIMEDOUT);
  EXPECT_EQ(Outcome(2, {"10.8.0.2/32"}), PeerOutcome::kFailed);
  kernel_.ClearFaults();
  ASSERT_TRUE(manager_->IsOwn(TestKey(2))) << "else nobody doubts it";
  EXPECT_EQ(Install(Wish(2, kElsewhere)).outcome, PeerOutcome::kInstalled);
  EXPECT_FALSE(kernel_.Peer("wg0", TestKey(2))->endpoint);
  EXPECT_EQ(kernel_.Initiations("wg0", TestKey(2)), 0u);
}

TEST_F(PeerManagerOutboundTest, TheGuardHasTheLastWordHereToo) {
  Start(/*max_peers=*/1);
  AddForeign(9, {"10.8.0.9/32"});
  ASSERT_TRUE(manager_->Refresh());
  EXPECT_EQ(Install(Wish(9, kElsewhere)).outcome, PeerOutcome::kRefusedForeign);
  auto outside = Wish(2, kElsewhere);
  outside.allowed_ips = Prefixes({"10.9.0.2/32"});
  EXPECT_EQ(Install(std::move(outside)).outcome, PeerOutcome::kRefusedPrefix);
  auto taken = Wish(2, kElsewhere);
  taken.allowed_ips = Prefixes({"10.8.0.9/32"});
  EXPECT_EQ(Install(std::move(taken)).outcome, PeerOutcome::kRefusedAddressTaken);
  EXPECT_EQ(Install(Wish(2, kElsewhere)).outcome, PeerOutcome::kInstalled);
  EXPECT_EQ(Install(Wish(3, kElsewhere)).outcome, PeerOutcome::kRefusedCap);
}

TEST_F(PeerManagerOutboundTest, OnlyACompletedHandshakeIsRemembered) {
  Start();
  auto request = Request(2, {"10.8.0.2/32"});
  request.endpoint = kHome;
  ASSERT_EQ(Install(std::move(request)).outcome, PeerOutcome::kInstalled);
  ASSERT_TRUE(manager_->Refresh());
  ASSERT_EQ(Remove(2), PeerOutcome::kRemoved);
  EXPECT_EQ(manager_->remembered_endpoints(), 0u);
  EXPECT_EQ(Install(Wish(2)).outcome, PeerOutcome::kNoEndpoint);
}

TEST_F(PeerManagerOutboundTest, ACallInVainForgetsNothing) {
  Start();
  ComeAndGo(2, kHome);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Install(Wish(2)).outcome, PeerOutcome::kInstalled);
    ASSERT_TRUE(manager_->Refresh());
    ASSERT_EQ(Remove(2), PeerOutcome::kRemoved);
  }
}

TEST_F(PeerManagerOutboundTest, AnInterfaceMadeAnewForgetsNothing) {
  Start();
  auto request = Request(2, {"10.8.0.2/32"});
  request.endpoint = kHome;
  ASSERT_EQ(Install(std::move(request)).outcome, PeerOutcome::kInstalled);
  kernel_.CompleteHandshake("wg0", TestKey(2), clock_.WallNow());
  ASSERT_TRUE(manager_->Refresh());
  ASSERT_TRUE(manager_->OnDeviceChanged(kernel_.AddInterface("wg0", GeneratePrivateKey())));
  EXPECT_EQ(Install(Wish(2)).outcome, PeerOutcome::kInstalled);
  EXPECT_EQ(kernel_.Peer("wg0", TestKey(2))->endpoint, kHome);
}

TEST_F(PeerManagerOutboundTest, ForeignPeersAreNotRemembered) {
  Start();
  sniffer::KernelPeer peer;
  peer.public_key = TestKey(9);
  peer.allowed_ips = Prefixes({"10.8.0.9/32"});
  peer.endpoint = kHome;
  peer.last_handshake = clock_.WallNow();
  kernel_.AddForeignPeer("wg0", peer);
  ASSERT_TRUE(manager_->Refresh());
  kernel_.RemoveBehindOurBack("wg0", TestKey(9));
  ASSERT_TRUE(manager_->Refresh());
  EXPECT_EQ(manager_->remembered_endpoints(), 0u);
}

TEST_F(PeerManagerOutboundTest, AnAddressIsRoutedForAsLongAsAPeerHasIt) {
  Start();
  const IpAddress inside = *IpAddress::Parse("10.8.5.77");
  EXPECT_FALSE(manager_->IsRouted(inside));
  EXPECT_EQ(Outcome(1, {"10.8.5.0/24", "fd08::5/128"}), PeerOutcome::kInstalled);
  EXPECT_TRUE(manager_->IsRouted(inside));
  EXPECT_TRUE(manager_->IsRouted(*IpAddress::Parse("fd08::5")));
  EXPECT_FALSE(manager_->IsRouted(*IpAddress::Parse("10.8.6.1")));
  EXPECT_FALSE(manager_->IsRouted(*IpAddress::Parse("fd08::6")));
  EXPECT_EQ(Remove(1), PeerOutcome::kRemoved);
  EXPECT_FALSE(manager_->IsRouted(inside));
}

}  // namespace
}  // namespace jitwg::testing
