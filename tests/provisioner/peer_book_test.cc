#include "provisioner/peer_book.h"

#include <gtest/gtest.h>

#include "tests/provisioner/test_values.h"
#include "tests/support/manual_clock.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::seconds;

class PeerBookTest : public ::testing::Test {
 protected:
  std::vector<EvictionCandidate> Observe(const PeerList& list) {
    const SteadyTime now = clock_.SteadyNow();
    return book_.Observe("wg0", list, now, now, clock_.WallNow()).candidates;
  }
  EvictionCandidate ObserveOne(const PeerState& state) {
    PeerList list;
    list.peers.push_back(state);
    return Observe(list).at(0);
  }
  PeerId Id(std::uint16_t number) const { return {"wg0", Key(number)}; }

  ManualClock clock_;
  PeerBook book_;
};

TEST_F(PeerBookTest, APeerSeenForTheFirstTimeIsOfUnknownRecord) {
  PeerState state = OwnPeer(MakePeer(1));
  state.installed_for = seconds(40);
  const auto candidate = ObserveOne(state);
  EXPECT_FALSE(candidate.known);
  EXPECT_FALSE(candidate.completed);
  EXPECT_EQ(candidate.installed_at, clock_.SteadyNow() - seconds(40));
  EXPECT_EQ(candidate.last_activity, candidate.installed_at);
}

TEST_F(PeerBookTest, ForeignPeersAreNotTakenIn) {
  PeerState state = OwnPeer(MakePeer(1));
  state.own = false;
  PeerList list;
  list.peers.push_back(state);
  EXPECT_TRUE(Observe(list).empty());
  EXPECT_EQ(book_.size(), 0U);
}

TEST_F(PeerBookTest, GrowingReceivedBytesAreActivity) {
  book_.NoteInstalled(Id(1), MakePeer(1), clock_.SteadyNow());
  PeerState state = OwnPeer(MakePeer(1));
  const SteadyTime first = clock_.SteadyNow();
  EXPECT_EQ(ObserveOne(state).last_activity, first);
  clock_.Advance(seconds(60));
  EXPECT_EQ(ObserveOne(state).last_activity, first);
  state.rx_bytes = 100;
  EXPECT_EQ(ObserveOne(state).last_activity, clock_.SteadyNow());
}

TEST_F(PeerBookTest, ANewHandshakeIsActivityWhateverTheWallClockDoes) {
  book_.NoteInstalled(Id(1), MakePeer(1), clock_.SteadyNow());
  PeerState state = OwnPeer(MakePeer(1));
  ObserveOne(state);
  clock_.Advance(seconds(100));
  state.last_handshake = clock_.WallNow() - seconds(20);
  const auto candidate = ObserveOne(state);
  EXPECT_TRUE(candidate.completed);
  const SteadyTime seen = clock_.SteadyNow();
  EXPECT_EQ(candidate.last_activity, seen);
  clock_.Advance(seconds(50));
  clock_.StepWall(-seconds(3600));  // the handshake seems to lie ahead
  EXPECT_EQ(ObserveOne(state).last_activity, seen);
  clock_.StepWall(seconds(7200));
  EXPECT_EQ(ObserveOne(state).last_activity, seen);
}

TEST_F(PeerBookTest, APeerSeenForTheFirstTimeIsAsIdleAsItsHandshakeIsOld) {
  PeerState state = OwnPeer(MakePeer(1));
  state.installed_for = seconds(1000);
  state.last_handshake = clock_.WallNow() - seconds(190);
  EXPECT_EQ(ObserveOne(state).last_activity, clock_.SteadyNow() - seconds(190));
}

TEST_F(PeerBookTest, APeerSeenForTheFirstTimeIsActiveWhileItsSessionCanLive) {
  PeerState state = OwnPeer(MakePeer(1));
  state.installed_for = seconds(1000);
  state.last_handshake = clock_.WallNow() - seconds(170);
  const SteadyTime seen = clock_.SteadyNow();
  EXPECT_EQ(ObserveOne(state).last_activity, seen);
  clock_.Advance(seconds(30));
  EXPECT_EQ(ObserveOne(state).last_activity, seen) << "nothing came since";
}

TEST_F(PeerBookTest, AListBegunBeforeARemovalDoesNotBringThePeerBack) {
  book_.NoteInstalled(Id(1), MakePeer(1), clock_.SteadyNow());
  const SteadyTime started = clock_.SteadyNow();
  clock_.Advance(seconds(1));
  book_.NoteRemoved(Id(1), clock_.SteadyNow());
  PeerList stale;
  stale.peers.push_back(OwnPeer(MakePeer(1)));
  const auto seen = book_.Observe("wg0", stale, started, clock_.SteadyNow(), clock_.WallNow());
  EXPECT_TRUE(seen.candidates.empty());
  EXPECT_FALSE(book_.Contains(Id(1)));
  clock_.Advance(seconds(1));
  EXPECT_EQ(Observe(stale).size(), 1U);  // a list from after it is believed
}

TEST_F(PeerBookTest, ExpiriesAreToldWhenTheirTimeHasComeUntilThePeerIsGone) {
  auto peer = MakePeer(1);
  peer.expires_at = clock_.WallNow() + seconds(10);
  book_.NoteInstalled(Id(1), peer, clock_.SteadyNow());
  book_.NoteInstalled(Id(2), MakePeer(2), clock_.SteadyNow());
  EXPECT_TRUE(book_.Expired(clock_.WallNow()).empty());
  clock_.Advance(seconds(10));
  EXPECT_EQ(book_.Expired(clock_.WallNow()), std::vector<PeerId>{Id(1)});
  EXPECT_EQ(book_.Expired(clock_.WallNow()), std::vector<PeerId>{Id(1)});
  book_.NoteRemoved(Id(1), clock_.SteadyNow());
  EXPECT_TRUE(book_.Expired(clock_.WallNow()).empty());
}

TEST_F(PeerBookTest, AnExpiryPutOffIsNotHeld) {
  auto peer = MakePeer(1);
  peer.expires_at = clock_.WallNow() + seconds(10);
  book_.NoteInstalled(Id(1), peer, clock_.SteadyNow());
  peer.expires_at = clock_.WallNow() + seconds(20);
  book_.NoteRecord(Id(1), peer);
  clock_.Advance(seconds(10));
  EXPECT_TRUE(book_.Expired(clock_.WallNow()).empty());
  clock_.Advance(seconds(10));
  EXPECT_EQ(book_.Expired(clock_.WallNow()).size(), 1U);
}

TEST_F(PeerBookTest, APinnedPeerThatAnInterruptedListLacksIsToldAndKept) {
  auto peer = MakePeer(1);
  peer.pinned = true;
  book_.NoteInstalled(Id(1), peer, clock_.SteadyNow());
  clock_.Advance(seconds(1));
  const SteadyTime now = clock_.SteadyNow();
  const auto seen =
      book_.Observe("wg0", {.peers = {}, .interrupted = true}, now, now, clock_.WallNow());
  EXPECT_EQ(seen.missing_pinned, std::vector<PublicKey>{Key(1)});
  EXPECT_TRUE(book_.Contains(Id(1)));
  EXPECT_EQ(book_.InstalledDigest(Id(1)), std::nullopt);
}

TEST_F(PeerBookTest, APeerWithOtherSettingsThanTheRegistrysIsTold) {
  const auto altered = [&](const PeerState& state) {
    clock_.Advance(seconds(1));
    const SteadyTime now = clock_.SteadyNow();
    PeerList list;
    list.peers.push_back(state);
    return book_.Observe("wg0", list, now, now, clock_.WallNow()).altered;
  };
  const std::vector<PublicKey> told{Key(1)};
  PeerState state = OwnPeer(MakePeer(1));
  state.persistent_keepalive += 1;
  EXPECT_TRUE(altered(state).empty());  // the registry's word is not known yet
  book_.NoteRecord(Id(1), MakePeer(1));
  EXPECT_EQ(altered(state), told);
  EXPECT_TRUE(altered(OwnPeer(MakePeer(1))).empty());
  book_.NoteInstalled(Id(1), MakePeer(1), clock_.SteadyNow());
  state = OwnPeer(MakePeer(1));
  state.allowed_ips = MakePeer(2).allowed_ips;
  EXPECT_EQ(altered(state), told);
  EXPECT_EQ(book_.InstalledDigest(Id(1)), std::nullopt);  // so that it is installed again
  state = OwnPeer(MakePeer(1));
  state.has_preshared_key = !state.has_preshared_key;
  EXPECT_EQ(altered(state), told);
  book_.NoteUnregistered(Id(1));
  EXPECT_TRUE(altered(state).empty());
}

TEST_F(PeerBookTest, AListBegunBeforeAnInstallationTellsNothingOfItsSettings) {
  const SteadyTime started = clock_.SteadyNow();
  clock_.Advance(seconds(1));
  book_.NoteInstalled(Id(1), MakePeer(1), clock_.SteadyNow());
  PeerList list;
  list.peers.push_back(OwnPeer(MakePeer(1)));
  list.peers[0].allowed_ips = MakePeer(2).allowed_ips;
  EXPECT_TRUE(
      book_.Observe("wg0", list, started, clock_.SteadyNow(), clock_.WallNow()).altered.empty());
  EXPECT_NE(book_.InstalledDigest(Id(1)), std::nullopt);
}

TEST_F(PeerBookTest, AnExpiryThatPassesWhileInstalledIsSeen) {
  auto peer = MakePeer(1);
  peer.expires_at = clock_.WallNow() + seconds(10);
  book_.NoteInstalled(Id(1), peer, clock_.SteadyNow());
  EXPECT_FALSE(ObserveOne(OwnPeer(peer)).expired);
  clock_.Advance(seconds(10));
  EXPECT_TRUE(ObserveOne(OwnPeer(peer)).expired);
}

TEST_F(PeerBookTest, APeerMissingFromAnInterruptedListIsKept) {
  book_.NoteInstalled(Id(1), MakePeer(1), clock_.SteadyNow());
  clock_.Advance(seconds(1));
  Observe({.peers = {}, .interrupted = true});
  EXPECT_TRUE(book_.Contains(Id(1)));
  Observe({.peers = {}, .interrupted = false});
  EXPECT_FALSE(book_.Contains(Id(1)));
}

TEST_F(PeerBookTest, APeerInstalledWhileTheListWasReadIsKept) {
  const SteadyTime started = clock_.SteadyNow();
  clock_.Advance(seconds(1));
  book_.NoteInstalled(Id(1), MakePeer(1), clock_.SteadyNow());
  book_.Observe("wg0", {}, started, clock_.SteadyNow(), clock_.WallNow());
  EXPECT_TRUE(book_.Contains(Id(1)));
  EXPECT_TRUE(book_.NotedSince(Id(1), started));
}

TEST_F(PeerBookTest, APeerInstalledAnewIsAsYoungAsTheSnifferSays) {
  book_.NoteInstalled(Id(1), MakePeer(1), clock_.SteadyNow());
  clock_.Advance(seconds(500));
  PeerState state = OwnPeer(MakePeer(1));
  state.installed_for = seconds(3);
  EXPECT_EQ(ObserveOne(state).installed_at, clock_.SteadyNow() - seconds(3));
}

TEST_F(PeerBookTest, TheDigestTellsSettingsApart) {
  const auto peer = MakePeer(1);
  auto other = peer.Clone();
  EXPECT_EQ(SettingsDigest(peer), SettingsDigest(other));
  other.persistent_keepalive = 25;
  EXPECT_NE(SettingsDigest(peer), SettingsDigest(other));
  other = peer.Clone();
  other.allowed_ips.push_back(*IpPrefix::Parse("10.9.9.9/32"));
  EXPECT_NE(SettingsDigest(peer), SettingsDigest(other));
  other = peer.Clone();
  other.preshared_key.emplace();
  EXPECT_NE(SettingsDigest(peer), SettingsDigest(other));
  auto third = other.Clone();
  third.preshared_key->mutable_bytes()[0] = 1;
  EXPECT_NE(SettingsDigest(other), SettingsDigest(third));
}

TEST_F(PeerBookTest, ActivityOfAStrangerIsNotKept) {
  book_.NoteActivity(Id(1), clock_.SteadyNow());
  book_.NoteRecord(Id(1), MakePeer(1));
  EXPECT_EQ(book_.size(), 0U);
}

}  // namespace
}  // namespace jitwg::provisioner
