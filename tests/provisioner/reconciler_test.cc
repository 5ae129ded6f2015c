#include "provisioner/reconciler.h"

#include "provisioner/reconcile_plan.h"
#include "tests/provisioner/gateway_fixture.h"

namespace jitwg::provisioner {
namespace {

class ReconcilerTest : public GatewayFixture {
 protected:
  ReconcilerTest()
      : reconciler_({clock_, link_, registry_, *replay_, book_, interfaces_, remover_}, Options()) {
  }
  static ReconcilerOptions Options() {
    ReconcilerOptions options;
    options.identity = {"gw1", ""};
    return options;
  }
  bool All() {
    reconciler_.RequestAll();
    return reconciler_.RunOnce({});
  }
  bool One(std::uint16_t number) {
    interfaces_.Update(*link_.GetInterfaces({}));
    reconciler_.Request(Key(number));
    return reconciler_.RunOnce({});
  }

  Reconciler reconciler_;
};

TEST_F(ReconcilerTest, APeerThatIsAsRegisteredIsLeftAlone) {
  Register(MakePeer(1));
  link_.PutPeer("wg0", LiveState(MakePeer(1)));
  EXPECT_TRUE(All());
  EXPECT_TRUE(HasPeer(1));
  EXPECT_TRUE(link_.install_calls().empty());
  EXPECT_TRUE(link_.remove_calls().empty());
}

TEST_F(ReconcilerTest, WhatMayNotConnectAnyMoreGoes) {
  auto disabled = MakePeer(2);
  disabled.enabled = false;
  auto expired = MakePeer(3);
  expired.expires_at = clock_.WallNow();
  auto elsewhere = MakePeer(4);
  elsewhere.gateway = "gw2";
  auto outside = MakePeer(5);
  outside.allowed_ips = {*IpPrefix::Parse("192.0.2.1/32")};
  for (const auto* peer : {&disabled, &expired, &elsewhere, &outside}) Register(*peer);
  for (std::uint16_t i = 1; i <= 5; ++i) link_.PutPeer("wg0", LiveState(MakePeer(i)));
  EXPECT_TRUE(All());
  EXPECT_EQ(link_.CountPeers("wg0"), 0U);
  EXPECT_EQ(decisions_.Count(EvictionReason::kRevoked), 5U);
}

// The change was told and reconciled while the pass held a page from before it; nobody would look
// again.
TEST_F(ReconcilerTest, APinnedPeerThatChangedSinceItsPageWasReadIsInstalledAsItIsNow) {
  auto pinned = MakePeer(1);
  pinned.pinned = true;
  Register(pinned);
  registry_.OnList([this] {
    registry_.OnList(nullptr);
    auto changed = MakePeer(1);
    changed.pinned = true;
    changed.enabled = false;
    ASSERT_TRUE(registry_.Put(changed, true));
    reconciler_.Request(Key(1));
  });
  EXPECT_TRUE(All());
  EXPECT_FALSE(HasPeer(1));
  EXPECT_TRUE(link_.install_calls().empty());
}

TEST_F(ReconcilerTest, AForeignPeerIsNeverTouched) {
  PeerState foreign = OwnPeer(MakePeer(1));
  foreign.own = false;
  link_.PutPeer("wg0", foreign);
  EXPECT_TRUE(All());
  EXPECT_TRUE(One(1));
  EXPECT_TRUE(HasPeer(1));
}

TEST_F(ReconcilerTest, ChangedAddressesAndKeepaliveAreCarriedOver) {
  link_.PutPeer("wg0", LiveState(MakePeer(1)));
  auto changed = MakePeer(1);
  changed.allowed_ips = {*IpPrefix::Parse("10.7.7.7/32")};
  changed.persistent_keepalive = 25;
  Register(changed);
  EXPECT_TRUE(All());
  const auto state = link_.GetPeer("wg0", Key(1));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->allowed_ips, changed.allowed_ips);
  EXPECT_EQ(state->persistent_keepalive, 25);
}

TEST_F(ReconcilerTest, AnotherPresharedKeyIsCarriedOver) {
  auto peer = MakePeer(1);
  peer.preshared_key.emplace();
  peer.preshared_key->mutable_bytes()[0] = 1;
  Install(peer);
  Register(peer);
  EXPECT_TRUE(All());
  EXPECT_TRUE(link_.install_calls().empty());
  peer.preshared_key->mutable_bytes()[0] = 2;
  Register(peer);
  EXPECT_TRUE(All());
  EXPECT_EQ(link_.install_calls().size(), 1U);
}

TEST_F(ReconcilerTest, APresharedKeyThatCannotBeComparedIsSetAgainOnce) {
  auto peer = MakePeer(1);
  peer.preshared_key.emplace();
  Register(peer);
  link_.PutPeer("wg0", LiveState(peer));  // by an earlier process
  EXPECT_TRUE(All());
  EXPECT_EQ(link_.install_calls().size(), 1U);
  EXPECT_TRUE(All());
  EXPECT_EQ(link_.install_calls().size(), 1U);
}

TEST_F(ReconcilerTest, AbsentPinnedPeersAreInstalled) {
  for (std::uint16_t i = 0; i < 150; ++i) {
    auto peer = MakePeer(i);
    peer.pinned = true;
    if (i == 7) peer.enabled = false;
    Register(peer);
  }
  Register(MakePeer(500));
  EXPECT_TRUE(All());
  EXPECT_EQ(link_.CountPeers("wg0"), 149U);
  EXPECT_FALSE(HasPeer(7));
  EXPECT_FALSE(HasPeer(500));
  const auto calls = link_.install_calls().size();
  EXPECT_TRUE(All());
  EXPECT_EQ(link_.install_calls().size(), calls);
}

TEST_F(ReconcilerTest, NobodyIsRemovedWhileTheRegistryCannotAnswer) {
  link_.PutPeer("wg0", LiveState(MakePeer(1)));  // not registered
  registry_.Fail(Error{ErrorCode::kUnavailable, "away"});
  EXPECT_FALSE(All());
  EXPECT_TRUE(HasPeer(1));
  EXPECT_FALSE(One(1));
  EXPECT_TRUE(HasPeer(1));
  registry_.Fail(std::nullopt);
  EXPECT_TRUE(reconciler_.RunOnce({}));  // what failed is still requested
  EXPECT_FALSE(HasPeer(1));
}

TEST_F(ReconcilerTest, OneUnansweredKeyDoesNotHoldUpTheOthers) {
  link_.PutPeer("wg0", LiveState(MakePeer(1)));
  link_.PutPeer("wg0", LiveState(MakePeer(2)));
  registry_.FailKey(Key(1), true);
  EXPECT_FALSE(All());
  EXPECT_TRUE(HasPeer(1));
  EXPECT_FALSE(HasPeer(2));
}

TEST_F(ReconcilerTest, ARevokedKeyGoesEvenWhenTheBookDoesNotKnowIt) {
  link_.PutPeer("wg0", LiveState(MakePeer(1)));
  EXPECT_TRUE(One(1));
  EXPECT_FALSE(HasPeer(1));
}

TEST_F(ReconcilerTest, ARevokedPeerThatTheKernelDidNotRemoveIsTriedAgain) {
  link_.PutPeer("wg0", LiveState(MakePeer(1)));
  link_.FailNextRemovals(1);
  EXPECT_FALSE(One(1));
  EXPECT_TRUE(HasPeer(1));
  EXPECT_TRUE(reconciler_.RunOnce({}));
  EXPECT_FALSE(HasPeer(1));
}

TEST_F(ReconcilerTest, ANewlyRegisteredKeyIsNotInstalledBeforeItCalls) {
  Register(MakePeer(1));
  EXPECT_TRUE(One(1));
  EXPECT_FALSE(HasPeer(1));
  auto pinned = MakePeer(2);
  pinned.pinned = true;
  Register(pinned);
  EXPECT_TRUE(One(2));
  EXPECT_TRUE(HasPeer(2));
}

TEST_F(ReconcilerTest, AChangedKeyThatIsInstalledIsUpdated) {
  Install(MakePeer(1));
  auto changed = MakePeer(1);
  changed.persistent_keepalive = 20;
  Register(changed);
  EXPECT_TRUE(One(1));
  EXPECT_EQ(link_.GetPeer("wg0", Key(1))->persistent_keepalive, 20);
}

TEST_F(ReconcilerTest, TheKernelsStampsAreRemembered) {
  Register(MakePeer(1));
  PeerState state = LiveState(MakePeer(1));
  state.newest_timestamp = Stamp(12);
  link_.PutPeer("wg0", state);
  EXPECT_TRUE(All());
  EXPECT_EQ(Newest(1), Stamp(12));
}

TEST_F(ReconcilerTest, ALostSnifferIsTriedAgain) {
  auto pinned = MakePeer(1);
  pinned.pinned = true;
  Register(pinned);
  link_.FailInstalls(Error{ErrorCode::kUnavailable, "away"});
  EXPECT_FALSE(All());
  link_.FailInstalls(std::nullopt);
  EXPECT_TRUE(reconciler_.RunOnce({}));
  EXPECT_TRUE(HasPeer(1));
}

TEST_F(ReconcilerTest, TooManyKeysBecomeEverything) {
  for (int i = 0; i < 5000; ++i) reconciler_.Request(Key(static_cast<std::uint16_t>(i)));
  link_.PutPeer("wg0", LiveState(MakePeer(60000)));
  EXPECT_TRUE(reconciler_.RunOnce({}));
  EXPECT_FALSE(HasPeer(60000));
}

TEST(ReconcilePlan, WithoutAListTheDigestDecides) {
  const std::optional<registry::Peer> peer = MakePeer(1);
  EXPECT_EQ(PlanPeer(nullptr, SettingsDigest(*peer), peer, std::nullopt), PeerAction::kLeave);
  EXPECT_EQ(PlanPeer(nullptr, 1, peer, std::nullopt), PeerAction::kInstall);
  EXPECT_EQ(PlanPeer(nullptr, std::nullopt, peer, std::nullopt), PeerAction::kInstall);
  EXPECT_EQ(PlanPeer(nullptr, std::nullopt, peer, Refusal::kExpired), PeerAction::kRemove);
  EXPECT_EQ(PlanPeer(nullptr, std::nullopt, std::nullopt, std::nullopt), PeerAction::kRemove);
}

TEST(ReconcilePlan, TheOrderOfAddressesDoesNotMatter) {
  std::optional<registry::Peer> peer = MakePeer(1);
  peer->allowed_ips.push_back(*IpPrefix::Parse("fd00::1/128"));
  PeerState listed = OwnPeer(*peer);
  std::swap(listed.allowed_ips[0], listed.allowed_ips[1]);
  EXPECT_EQ(PlanPeer(&listed, std::nullopt, peer, std::nullopt), PeerAction::kLeave);
}

TEST_F(ReconcilerTest, NobodyIsPutOutForNotBeingInARegistryThatWasJustMade) {
  ReconcilerOptions options = Options();
  options.trust_absence = false;
  Reconciler reconciler({clock_, link_, registry_, *replay_, book_, interfaces_, remover_},
                        options);
  link_.PutPeer("wg0", LiveState(MakePeer(1)));
  reconciler.RequestAll();
  EXPECT_TRUE(reconciler.RunOnce({}));
  EXPECT_TRUE(HasPeer(1));
  // Idle, it may go like any other.
  const SteadyTime now = clock_.SteadyNow();
  const auto candidates =
      book_.Observe("wg0", *link_.List("wg0", {}), now, now, clock_.WallNow()).candidates;
  ASSERT_EQ(candidates.size(), 1U);
  EXPECT_TRUE(candidates[0].known);
  EXPECT_FALSE(candidates[0].pinned);
  // A change notice of the key is another matter: somebody revoked it.
  reconciler.Request(Key(1));
  EXPECT_TRUE(reconciler.RunOnce({}));
  EXPECT_FALSE(HasPeer(1));
}

}  // namespace
}  // namespace jitwg::provisioner
