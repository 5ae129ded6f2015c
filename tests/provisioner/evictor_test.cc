#include "provisioner/evictor.h"

#include "tests/provisioner/gateway_fixture.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class EvictorTest : public GatewayFixture {
 protected:
  EvictorTest()
      : evictor_({clock_, link_, *replay_, book_, interfaces_, remover_}, EvictionLimits(),
                 {.interfaces_changed = [this] { ++changes_; },
                  .unknown_peer = [this](const PublicKey& key) { unknown_.push_back(key); },
                  .astray = [this](const PublicKey& key) { astray_.push_back(key); },
                  .listed = {}}) {}

  void Look() { evictor_.RunOnce({}); }

  int changes_ = 0;
  std::vector<PublicKey> unknown_;
  std::vector<PublicKey> astray_;
  Evictor evictor_;
};

TEST_F(EvictorTest, TakesOutWhatIsIdleAndKeepsWhatIsAlive) {
  Install(MakePeer(1));
  Install(MakePeer(2));
  Look();
  clock_.Advance(seconds(200));
  PeerState active = *link_.GetPeer("wg0", Key(2));
  active.rx_bytes = 1000;
  link_.PutPeer("wg0", active);
  Look();
  clock_.Advance(seconds(101));
  Look();
  EXPECT_FALSE(HasPeer(1));
  EXPECT_TRUE(HasPeer(2));
  EXPECT_EQ(decisions_.Count(EvictionReason::kIdle), 1U);
  EXPECT_FALSE(book_.Contains({"wg0", Key(1)}));
}

TEST_F(EvictorTest, APeerThatSomebodyElseChangedIsTold) {
  Install(MakePeer(1));
  Look();
  EXPECT_TRUE(astray_.empty());
  clock_.Advance(seconds(1));
  PeerState state = *link_.GetPeer("wg0", Key(1));
  state.allowed_ips = MakePeer(2).allowed_ips;
  link_.PutPeer("wg0", state);
  Look();
  EXPECT_EQ(astray_, std::vector<PublicKey>{Key(1)});
}

TEST_F(EvictorTest, TakesOutWhatNeverCompleted) {
  Install(MakePeer(1));
  PeerState state = *link_.GetPeer("wg0", Key(1));
  state.last_handshake.reset();
  link_.PutPeer("wg0", state);
  clock_.Advance(seconds(15));
  Look();
  EXPECT_TRUE(HasPeer(1));
  clock_.Advance(seconds(1));
  Look();
  EXPECT_FALSE(HasPeer(1));
  EXPECT_EQ(decisions_.Count(EvictionReason::kUnfinished), 1U);
}

TEST_F(EvictorTest, ALeavingPeersStampIsOnDiskFirst) {
  Install(MakePeer(1));
  PeerState state = *link_.GetPeer("wg0", Key(1));
  state.newest_timestamp = Stamp(44);
  link_.PutPeer("wg0", state);
  clock_.Advance(seconds(301));
  Look();
  EXPECT_FALSE(HasPeer(1));
  replay_.reset();
  replay_ = std::move(*ReplayMemory::Open(directory_.path()));
  EXPECT_EQ(Newest(1), Stamp(44));
}

TEST_F(EvictorTest, APeerThatExpiresIsRevoked) {
  auto peer = MakePeer(1);
  peer.pinned = true;
  peer.expires_at = clock_.WallNow() + seconds(30);
  Install(peer);
  Look();
  EXPECT_TRUE(HasPeer(1));
  clock_.Advance(seconds(30));
  Look();
  EXPECT_FALSE(HasPeer(1));
  EXPECT_EQ(decisions_.Count(EvictionReason::kRevoked), 1U);
}

TEST_F(EvictorTest, AHandMadePeerSurvivesEverything) {
  PeerState foreign = OwnPeer(MakePeer(1));
  foreign.own = false;
  link_.PutPeer("wg0", foreign);
  clock_.Advance(std::chrono::hours(10));
  Look();
  EXPECT_TRUE(HasPeer(1));
  EXPECT_TRUE(link_.remove_calls().empty());
}

TEST_F(EvictorTest, APeerOfUnknownRecordStaysAndIsAskedFor) {
  link_.PutPeer("wg0", OwnPeer(MakePeer(1)));
  Look();
  clock_.Advance(std::chrono::hours(1));
  Look();
  EXPECT_TRUE(HasPeer(1));
  EXPECT_EQ(unknown_, (std::vector<PublicKey>{Key(1), Key(1)}));
}

TEST_F(EvictorTest, RemovesInBatchesOfAHundred) {
  for (std::uint16_t i = 0; i < 250; ++i) Install(MakePeer(i));
  clock_.Advance(seconds(301));
  for (std::uint16_t i = 0; i < 250; ++i) {
    PeerState state = *link_.GetPeer("wg0", Key(i));
    state.last_handshake = clock_.WallNow() - seconds(301);
    link_.PutPeer("wg0", state);
  }
  Look();
  std::vector<std::size_t> sizes;
  for (const auto& call : link_.remove_calls()) sizes.push_back(call.keys.size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{100, 100, 50}));
  EXPECT_EQ(link_.CountPeers("wg0"), 0U);
}

TEST_F(EvictorTest, AnInterruptedListForgetsNobody) {
  Install(MakePeer(1));
  clock_.Advance(seconds(200));
  link_.SetInterrupted(true);
  link_.HideFromList(Key(1), true);
  Look();
  EXPECT_TRUE(book_.Contains({"wg0", Key(1)}));
  link_.HideFromList(Key(1), false);
  clock_.Advance(seconds(101));
  Look();
  EXPECT_FALSE(HasPeer(1));
}

TEST_F(EvictorTest, APeerThatWokeUpDuringTheListingStays) {
  Install(MakePeer(1));
  clock_.Advance(seconds(400));
  link_.OnList([this] { book_.NoteActivity({"wg0", Key(1)}, clock_.SteadyNow()); });
  Look();
  EXPECT_TRUE(HasPeer(1));
}

TEST_F(EvictorTest, ALostSnifferEvictsNobodyAndTheNextLookIsWhole) {
  Install(MakePeer(1));
  clock_.Advance(seconds(400));
  link_.FailLists(Error{ErrorCode::kUnavailable, "away"});
  Look();
  EXPECT_TRUE(book_.Contains({"wg0", Key(1)}));
  link_.FailLists(std::nullopt);
  link_.FailRemoves(Error{ErrorCode::kUnavailable, "away"});
  Look();
  EXPECT_TRUE(book_.Contains({"wg0", Key(1)}));
  EXPECT_EQ(decisions_.Count(EvictionReason::kIdle), 0U);
  link_.FailRemoves(std::nullopt);
  Look();
  EXPECT_FALSE(HasPeer(1));
}

TEST_F(EvictorTest, ARecreatedInterfaceIsTold) {
  Look();
  EXPECT_EQ(changes_, 1);
  Look();
  EXPECT_EQ(changes_, 1);
  InterfaceState state = *interfaces_.Find("wg0");
  state.generation = 2;
  link_.SetInterface(state);
  Look();
  EXPECT_EQ(changes_, 2);
}

TEST_F(EvictorTest, APinnedPeerThatSomebodyRemovedIsTold) {
  auto peer = MakePeer(1);
  peer.pinned = true;
  Install(peer);
  Install(MakePeer(2));
  clock_.Advance(seconds(1));
  Look();
  EXPECT_TRUE(astray_.empty());
  link_.DropPeer("wg0", Key(1));
  link_.DropPeer("wg0", Key(2));
  Look();
  EXPECT_EQ(astray_, std::vector<PublicKey>{Key(1)});
}

TEST_F(EvictorTest, ARefusedNewcomerGetsThePlaceOfTheQuietest) {
  InterfaceState state = link_.GetInterfaces({})->at(0);
  state.max_peers = 3;
  link_.SetInterface(state);
  for (std::uint16_t i = 1; i <= 3; ++i) Install(MakePeer(i));
  Look();
  clock_.Advance(seconds(60));
  for (std::uint16_t i = 1; i <= 3; ++i) {
    book_.NoteActivity({"wg0", Key(i)}, clock_.SteadyNow() - seconds(i == 2 ? 50 : 40));
  }
  clock_.Advance(seconds(1));
  Look();
  EXPECT_EQ(link_.CountPeers("wg0"), 3U);  // full, but nobody was refused
  evictor_.WantRoom("wg0");
  Look();
  EXPECT_EQ(link_.CountPeers("wg0"), 2U);
  EXPECT_FALSE(HasPeer(2));
  EXPECT_EQ(decisions_.Count(EvictionReason::kOverCap), 1U);
}

TEST_F(EvictorTest, NobodyAliveGoesForANewcomer) {
  InterfaceState state = link_.GetInterfaces({})->at(0);
  state.max_peers = 2;
  link_.SetInterface(state);
  Install(MakePeer(1));
  Install(MakePeer(2));
  Look();
  evictor_.WantRoom("wg0");
  clock_.Advance(seconds(20));
  Look();
  EXPECT_EQ(link_.CountPeers("wg0"), 2U);
}

TEST_F(EvictorTest, AStepOfTheWallClockPutsNobodyOut) {
  Install(MakePeer(1));
  Look();
  clock_.Advance(seconds(10));
  clock_.StepWall(std::chrono::hours(24));
  Look();
  EXPECT_TRUE(HasPeer(1));
  clock_.StepWall(-std::chrono::hours(48));
  clock_.Advance(seconds(291));
  Look();
  EXPECT_FALSE(HasPeer(1));  // and a step back keeps nobody
}

TEST(EvictionPeriod, IsShortEnoughForUnfinishedPeers) {
  EXPECT_EQ(EvictionPeriod(seconds(10), EvictionLimits()), seconds(5));
  EXPECT_EQ(EvictionPeriod(seconds(2), EvictionLimits()), seconds(2));
}

TEST(EvictionRest, IsLongAfterALongDumpButNotAfterAStalledCall) {
  EXPECT_EQ(RestAfter(milliseconds(2)), seconds(1));
  EXPECT_EQ(RestAfter(seconds(2)), seconds(18));
  EXPECT_EQ(RestAfter(seconds(60)), seconds(30));
}

}  // namespace
}  // namespace jitwg::provisioner
