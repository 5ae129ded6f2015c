// The control plane's contract: peers created, found, changed and deleted.
#include "tests/registry/control_plane_contract.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""h;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Peer FullPeer() {
  Peer peer = TestPeer(1, {"10.8.0.2/32", "fd08::2/128"});
  peer.name = "J\xc3\xb6rg's laptop";
  peer.network = "home-1";
  peer.preshared_key = GeneratePrivateKey();
  peer.persistent_keepalive = 25;
  peer.pinned = true;
  peer.gateway = "gw-east";
  peer.enabled = false;
  peer.expires_at = WallTime(std::chrono::microseconds(1'798'761'600'123'456));
  return peer;
}

TEST_P(ControlPlaneContract, WhatIsCreatedIsWhatTheRegistryFinds) {
  const Peer wish = FullPeer();
  const auto created = control().Create(wish);
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_TRUE(created->created);
  EXPECT_THAT(UnmetWishes(wish, created->peer), IsEmpty());
  EXPECT_EQ(created->peer.created_at, clock_.WallNow());
  const auto got = control().Get(wish.public_key);
  ASSERT_TRUE(got && *got);
  EXPECT_THAT(UnmetWishes(wish, **got), IsEmpty());
  const auto found = FindNow(registry(), wish.public_key);
  ASSERT_TRUE(found && *found);
  EXPECT_THAT(UnmetWishes(wish, **found), IsEmpty());
}

TEST_P(ControlPlaneContract, TheSameWishAgainReturnsWhatIsThere) {
  PutPools("default", {"10.8.0.0/24"});
  Peer wish = TestPeer(1, {});
  wish.preshared_key = GeneratePrivateKey();
  const auto first = control().Create(wish);
  ASSERT_TRUE(first && first->created);
  clock_.Advance(1h);
  wish.preshared_key.reset();
  const auto again = other().Create(wish);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(again->created);
  EXPECT_EQ(again->peer.allowed_ips, first->peer.allowed_ips);
  EXPECT_TRUE(again->peer.preshared_key.has_value());
  EXPECT_EQ(again->peer.updated_at, first->peer.updated_at);
}

TEST_P(ControlPlaneContract, TheSameKeyWithOtherWishesIsRefusedAndSaysWhich) {
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
  Peer wish = TestPeer(1, {"10.8.0.1/32"});
  wish.name = "other";
  wish.pinned = true;
  const auto refused = control().Create(wish);
  EXPECT_EQ(CodeOf(refused), ErrorCode::kAlreadyExists);
  EXPECT_THAT(refused.error().message, HasSubstr("name, pinned"));
  wish = TestPeer(1, {"10.8.0.1/32"});
  wish.preshared_key = GeneratePrivateKey();
  EXPECT_EQ(CodeOf(control().Create(wish)), ErrorCode::kAlreadyExists);
  EXPECT_EQ((*control().Get(TestKey(1)))->name, "");
}

TEST_P(ControlPlaneContract, TakenAddressesAndInvalidPeersAreNotCreated) {
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.0/24"})));
  const auto taken = control().Create(TestPeer(2, {"10.8.0.7/32"}));
  EXPECT_EQ(CodeOf(taken), ErrorCode::kAlreadyExists);
  EXPECT_THAT(taken.error().message, HasSubstr("10.8.0.7/32"));
  Peer invalid = TestPeer(3, {"10.9.0.1/32"});
  invalid.network = "No Such";
  EXPECT_EQ(CodeOf(control().Create(invalid)), ErrorCode::kInvalidArgument);
  invalid = TestPeer(4, {});
  invalid.public_key = {};
  EXPECT_EQ(CodeOf(control().Create(invalid)), ErrorCode::kInvalidArgument);
  EXPECT_THAT(Found({}), ElementsAre(TestKey(1)));
}

TEST_P(ControlPlaneContract, AnUnknownPeerIsNoErrorToGetButToChangeOrDelete) {
  const auto got = control().Get(TestKey(1));
  ASSERT_TRUE(got);
  EXPECT_FALSE(*got);
  EXPECT_EQ(CodeOf(control().Update(TestKey(1), {})), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(control().Delete(TestKey(1))), ErrorCode::kNotFound);
}

TEST_P(ControlPlaneContract, SearchFiltersAndPages) {
  for (const unsigned number : {1U, 2U, 3U, 4U}) {
    Peer peer = TestPeer(number, {"10.0.0." + std::to_string(number) + "/32"});
    peer.network = number < 3 ? "red" : "blue";
    peer.name = number == 3 ? "100%_Laptop" : "phone";
    peer.enabled = number != 2;
    peer.pinned = number == 4;
    peer.gateway = number == 1 ? "gw-east" : "";
    ASSERT_TRUE(control().Create(peer));
  }
  PeerFilter filter;
  filter.query.limit = 3;
  EXPECT_THAT(Found(filter), ElementsAre(TestKey(1), TestKey(2), TestKey(3)));
  filter.query.after = TestKey(3);
  EXPECT_THAT(Found(filter), ElementsAre(TestKey(4)));
  filter = {};
  filter.query.network = "red";
  EXPECT_THAT(Found(filter), ElementsAre(TestKey(1), TestKey(2)));
  filter = {};
  filter.enabled = false;
  EXPECT_THAT(Found(filter), ElementsAre(TestKey(2)));
  filter = {};
  filter.query.pinned_only = true;
  EXPECT_THAT(Found(filter), ElementsAre(TestKey(4)));
  filter = {};
  filter.gateway = "gw-east";
  EXPECT_THAT(Found(filter), ElementsAre(TestKey(1)));
  filter = {};
  filter.name_contains = "%_lAP";
  EXPECT_THAT(Found(filter), ElementsAre(TestKey(3)));
  filter.query.limit = 0;
  EXPECT_EQ(CodeOf(control().Search(filter)), ErrorCode::kInvalidArgument);
}

TEST_P(ControlPlaneContract, APatchChangesWhatItNamesAndNothingElse) {
  Peer wish = FullPeer();
  ASSERT_TRUE(control().Create(wish));
  clock_.Advance(1h);
  PeerPatch patch;
  patch.enabled = true;
  patch.expires_at = std::optional<WallTime>();
  patch.allowed_ips = {*IpPrefix::Parse("10.8.0.3/32")};
  const auto updated = control().Update(wish.public_key, patch);
  ASSERT_TRUE(updated) << updated.error().message;
  wish.enabled = true;
  wish.expires_at.reset();
  wish.allowed_ips = *patch.allowed_ips;
  EXPECT_THAT(UnmetWishes(wish, *updated), IsEmpty());
  EXPECT_EQ(updated->updated_at, clock_.WallNow());
  EXPECT_EQ(updated->created_at, clock_.WallNow() - 1h);
  const auto found = FindNow(registry(), wish.public_key);
  ASSERT_TRUE(found && *found);
  EXPECT_THAT(UnmetWishes(wish, **found), IsEmpty());
}

TEST_P(ControlPlaneContract, APatchThatChangesNothingTellsNobody) {
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
  const WallTime created = clock_.WallNow();
  ChangeLog log;
  registry().Subscribe(log.Callback());
  clock_.Advance(1h);
  PeerPatch same;
  same.enabled = true;
  same.allowed_ips = {*IpPrefix::Parse("10.8.0.1/32")};
  const auto updated = control().Update(TestKey(1), same);
  ASSERT_TRUE(updated);
  EXPECT_EQ(updated->updated_at, created);
  ASSERT_TRUE(control().Create(TestPeer(2, {"10.8.0.2/32"})));
  ASSERT_TRUE(log.AwaitKey(TestKey(2)));
  for (const Change& change : log.changes()) EXPECT_NE(change.public_key, TestKey(1));
  registry().Subscribe({});
}

TEST_P(ControlPlaneContract, CreationChangeAndDeletionAreToldToTheGateways) {
  ChangeLog log;
  registry().Subscribe(log.Callback());
  const auto told = [&](std::size_t times) {
    return log.Await([&](const std::vector<Change>& changes) {
      return std::count_if(changes.begin(), changes.end(), [](const Change& change) {
               return change.public_key == TestKey(1);
             }) >= static_cast<std::ptrdiff_t>(times);
    });
  };
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
  EXPECT_TRUE(told(1));
  PeerPatch patch;
  patch.enabled = false;
  ASSERT_TRUE(control().Update(TestKey(1), patch));
  EXPECT_TRUE(told(2));
  ASSERT_TRUE(control().Delete(TestKey(1)));
  EXPECT_TRUE(told(3));
  registry().Subscribe({});
}

TEST_P(ControlPlaneContract, APatchThatMakesNoValidPeerChangesNothing) {
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
  ASSERT_TRUE(control().Create(TestPeer(2, {"10.8.0.2/32"})));
  PeerPatch patch;
  patch.name = "new";
  patch.allowed_ips = {*IpPrefix::Parse("10.8.0.2/31")};
  EXPECT_EQ(CodeOf(control().Update(TestKey(1), patch)), ErrorCode::kAlreadyExists);
  patch.allowed_ips.emplace();
  EXPECT_EQ(CodeOf(control().Update(TestKey(1), patch)), ErrorCode::kInvalidArgument);
  const auto got = control().Get(TestKey(1));
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->name, "");
  EXPECT_THAT(Texts((*got)->allowed_ips), ElementsAre("10.8.0.1/32"));
}

TEST_P(ControlPlaneContract, IsHealthyWhenCallsWork) { EXPECT_TRUE(control().Health()); }

}  // namespace
}  // namespace jitwg::registry
