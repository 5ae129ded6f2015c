// What must not wait for a pass over everything, and what must not keep one busy for ever.
#include <gtest/gtest.h>

#include <thread>

#include "provisioner/reconciler.h"
#include "tests/provisioner/gateway_fixture.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::seconds;

class ReconcilerUrgencyTest : public GatewayFixture {
 protected:
  ReconcilerUrgencyTest()
      : reconciler_({clock_, link_, registry_, *replay_, book_, interfaces_, remover_}, {}) {}
  bool All() {
    reconciler_.RequestAll();
    return reconciler_.RunOnce({});
  }
  // The test's own time limit is what ends a wait in vain.
  template <class Condition>
  static void WaitFor(Condition condition) {
    while (!condition()) std::this_thread::yield();
  }

  Reconciler reconciler_;
};

TEST_F(ReconcilerUrgencyTest, ARevocationIsCarriedOutBetweenTwoChunksOfAPass) {
  for (std::uint16_t i = 0; i < 1000; ++i) {
    Register(MakePeer(i));
    link_.PutPeer("wg0", LiveState(MakePeer(i)));
  }
  std::size_t finds_when_gone = 0;
  registry_.OnFind([&](const PublicKey& key) {
    if (key == Key(10)) {  // inside the first chunk
      ASSERT_TRUE(registry_.Remove(Key(999)));
      reconciler_.Request(Key(999));
    }
    if (finds_when_gone == 0 && !HasPeer(999)) finds_when_gone = registry_.finds();
  });
  EXPECT_TRUE(All());
  EXPECT_FALSE(HasPeer(999));
  EXPECT_LT(finds_when_gone, 300U);
  EXPECT_EQ(link_.remove_calls().at(0).keys, std::vector<PublicKey>{Key(999)});
}

TEST_F(ReconcilerUrgencyTest, ARevocationIsCarriedOutWhileThePassStillReadsTheList) {
  interfaces_.Update(*link_.GetInterfaces({}));
  for (std::uint16_t i = 1; i <= 2; ++i) {
    Register(MakePeer(i));
    Install(MakePeer(i));
  }
  ASSERT_TRUE(registry_.Remove(Key(1)));
  bool gone = false;
  link_.OnList([&] {
    if (gone) return;
    reconciler_.Request(Key(1));
    WaitFor([&] { return !HasPeer(1); });
    gone = true;
    reconciler_.Request(Key(2));
  });
  std::jthread thread([&](const std::stop_token& stop) { reconciler_.Run(stop); });
  reconciler_.RequestAll();
  WaitFor([&] { return registry_.CountFinds(Key(2)) >= 2; });
  EXPECT_TRUE(gone);
  EXPECT_TRUE(HasPeer(2));
}

TEST_F(ReconcilerUrgencyTest, AnExpiredPeerGoesWithoutAnyRequest) {
  auto peer = MakePeer(1);
  peer.expires_at = clock_.WallNow() + seconds(10);
  Install(peer);
  EXPECT_TRUE(reconciler_.RunOnce({}));
  EXPECT_TRUE(HasPeer(1));
  clock_.Advance(seconds(10));
  link_.FailRemoves(Error{ErrorCode::kUnavailable, "away"});
  EXPECT_TRUE(reconciler_.RunOnce({}));
  link_.FailRemoves(std::nullopt);
  EXPECT_TRUE(reconciler_.RunOnce({}));
  EXPECT_FALSE(HasPeer(1));
  EXPECT_EQ(decisions_.Count(EvictionReason::kRevoked), 1U);
}

TEST_F(ReconcilerUrgencyTest, APeerEvictedWhileAStaleListIsAppliedIsNotUpdatedBackIn) {
  link_.PutPeer("wg0", LiveState(MakePeer(1)));
  auto changed = MakePeer(1);
  changed.persistent_keepalive = 25;
  Register(changed);
  registry_.OnFind([&](const PublicKey&) {
    clock_.Advance(seconds(1));
    ASSERT_TRUE(remover_.Remove("wg0", {{Key(1), EvictionReason::kIdle}}, {}, {}));
  });
  EXPECT_TRUE(All());
  EXPECT_FALSE(HasPeer(1));
  EXPECT_TRUE(link_.install_calls().empty());
}

TEST_F(ReconcilerUrgencyTest, ADamagedRowIsSkippedAndKeepsNoPassFailing) {
  for (std::uint16_t i = 0; i < 5; ++i) {
    auto peer = MakePeer(i);
    peer.pinned = i < 3;
    Register(peer);
  }
  link_.PutPeer("wg0", LiveState(MakePeer(3)));
  link_.PutPeer("wg0", LiveState(MakePeer(4)));
  link_.PutPeer("wg0", LiveState(MakePeer(5)));  // not registered
  registry_.DamageRow(Key(1), true);
  registry_.DamageRow(Key(4), true);
  EXPECT_TRUE(All());
  EXPECT_TRUE(HasPeer(0));
  EXPECT_FALSE(HasPeer(1));
  EXPECT_TRUE(HasPeer(2));
  EXPECT_TRUE(HasPeer(4));
  EXPECT_FALSE(HasPeer(5));
  EXPECT_TRUE(reconciler_.RunOnce({}));  // nothing is left to be tried again
  EXPECT_EQ(registry_.CountFinds(Key(4)), 1U);
  registry_.DamageRow(Key(1), false);
  EXPECT_TRUE(All());
  EXPECT_TRUE(HasPeer(1));
}

TEST_F(ReconcilerUrgencyTest, APinnedPeerRemovedByHandComesBack) {
  auto peer = MakePeer(1);
  peer.pinned = true;
  Register(peer);
  EXPECT_TRUE(All());
  clock_.Advance(seconds(1));
  for (const bool interrupted : {true, false}) {
    link_.DropPeer("wg0", Key(1));
    clock_.Advance(seconds(1));
    const PeerList list{.peers = {}, .interrupted = interrupted};
    const auto seen =
        book_.Observe("wg0", list, clock_.SteadyNow(), clock_.SteadyNow(), clock_.WallNow());
    for (const PublicKey& key : seen.missing_pinned) reconciler_.Request(key);
    EXPECT_TRUE(reconciler_.RunOnce({}));
    EXPECT_TRUE(HasPeer(1)) << interrupted;
  }
}

}  // namespace
}  // namespace jitwg::provisioner
