// The contract's part about rows: what was put is what is found.
#include <chrono>

#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string B64(unsigned number) { return TestKey(number).ToBase64(); }

Peer FullPeer() {
  Peer peer = TestPeer(1, {"10.8.0.2/32", "fd08::2/128", "192.168.7.0/24"});
  peer.name = "J\xc3\xb6rg's laptop";
  peer.network = "home-1";
  peer.preshared_key = GeneratePrivateKey();
  peer.persistent_keepalive = 65535;
  peer.pinned = true;
  peer.gateway = "gw-east";
  peer.enabled = false;
  peer.expires_at = WallTime(std::chrono::microseconds(1'798'761'600'123'456));
  return peer;
}

void ExpectSame(const Peer& found, const Peer& put) {
  EXPECT_EQ(found.public_key, put.public_key);
  EXPECT_EQ(found.name, put.name);
  EXPECT_EQ(found.network, put.network);
  EXPECT_EQ(found.allowed_ips, put.allowed_ips);
  ASSERT_EQ(found.preshared_key.has_value(), put.preshared_key.has_value());
  if (put.preshared_key) {
    EXPECT_TRUE(*found.preshared_key == *put.preshared_key);
  }
  EXPECT_EQ(found.persistent_keepalive, put.persistent_keepalive);
  EXPECT_EQ(found.pinned, put.pinned);
  EXPECT_EQ(found.gateway, put.gateway);
  EXPECT_EQ(found.enabled, put.enabled);
  EXPECT_EQ(found.expires_at, put.expires_at);
}

TEST_P(RegistryContract, EveryFieldComesBackFromFindAndList) {
  const Peer put = FullPeer();
  ASSERT_TRUE(registry().Put(put, false));
  const auto found = FindNow(registry(), put.public_key);
  ASSERT_TRUE(found && *found);
  ExpectSame(**found, put);
  EXPECT_EQ((*found)->created_at, clock_.WallNow());
  EXPECT_EQ((*found)->updated_at, clock_.WallNow());
  const auto listed = registry().List({});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1U);
  ExpectSame(listed->front(), put);
}

TEST_P(RegistryContract, DefaultsComeBackToo) {
  const Peer put = TestPeer(2, {"0.0.0.0/0", "::/0"});
  ASSERT_TRUE(registry().Put(put, false));
  const auto found = FindNow(registry(), put.public_key);
  ASSERT_TRUE(found && *found);
  ExpectSame(**found, put);
}

TEST_P(RegistryContract, TheMostAllowedIpsComeBackInTheirOrder) {
  Peer put = TestPeer(3, {});
  for (std::size_t i = 0; i < kMaxAllowedIps; ++i) {
    put.allowed_ips.push_back(*IpPrefix::Parse("10.1." + std::to_string(255 - i) + ".0/24"));
  }
  ASSERT_TRUE(registry().Put(put, false));
  const auto found = FindNow(registry(), put.public_key);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->allowed_ips, put.allowed_ips);
}

TEST_P(RegistryContract, AnUnknownKeyIsAnAnswerAndNoError) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  const auto found = FindNow(registry(), TestKey(9));
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

TEST_P(RegistryContract, ReplaceChangesAllAndKeepsTheDayOfCreation) {
  ASSERT_TRUE(registry().Put(FullPeer(), false));
  const WallTime created = clock_.WallNow();
  clock_.Advance(1h);
  const Peer changed = TestPeer(1, {"10.9.0.1/32"});
  ASSERT_TRUE(registry().Put(changed, true));
  const auto found = FindNow(registry(), changed.public_key);
  ASSERT_TRUE(found && *found);
  ExpectSame(**found, changed);
  EXPECT_EQ((*found)->created_at, created);
  EXPECT_EQ((*found)->updated_at, created + 1h);
}

TEST_P(RegistryContract, ReplaceCreatesWhatIsNotThere) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), true));
  EXPECT_THAT(ListedKeys({}), ElementsAre(B64(1)));
}

TEST_P(RegistryContract, WithoutReplaceAnExistingPeerStaysAsItIs) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  const auto again = registry().Put(TestPeer(1, {"10.0.0.2/32"}), false);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(again.error().message, HasSubstr(B64(1)));
  const auto found = FindNow(registry(), TestKey(1));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->allowed_ips.front().ToString(), "10.0.0.1/32");
}

TEST_P(RegistryContract, RemovedPeersAreGoneAndTheirAddressesFree) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  ASSERT_TRUE(registry().Remove(TestKey(1)));
  const auto found = FindNow(registry(), TestKey(1));
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
  EXPECT_TRUE(registry().Put(TestPeer(2, {"10.0.0.1/32"}), false));
}

TEST_P(RegistryContract, RemovingWhatIsNotThereIsNotFound) {
  const auto removed = registry().Remove(TestKey(1));
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, ErrorCode::kNotFound);
}

TEST_P(RegistryContract, InvalidPeersAreRefusedAndNotStored) {
  Peer peer = TestPeer(1, {});
  const auto put = registry().Put(peer, false);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(ListedKeys({}), IsEmpty());
}

TEST_P(RegistryContract, ListsInOrderOfTheKeyPageByPage) {
  for (const unsigned number : {300U, 2U, 40U, 7U, 256U}) {
    const std::string prefix =
        "10." + std::to_string(number / 256) + "." + std::to_string(number % 256) + ".0/24";
    ASSERT_TRUE(registry().Put(
        TestPeer(number, {prefix, "fd00:0:0:" + std::to_string(number) + "::/64"}), false));
  }
  ListQuery query;
  query.limit = 2;
  EXPECT_THAT(ListedKeys(query), ElementsAre(B64(2), B64(7)));
  query.after = TestKey(7);
  EXPECT_THAT(ListedKeys(query), ElementsAre(B64(40), B64(256)));
  query.after = TestKey(256);
  EXPECT_THAT(ListedKeys(query), ElementsAre(B64(300)));
  query.after = TestKey(300);
  EXPECT_THAT(ListedKeys(query), IsEmpty());
  query.after = TestKey(8);  // need not be there
  EXPECT_THAT(ListedKeys(query), ElementsAre(B64(40), B64(256)));
}

TEST_P(RegistryContract, ListsOnlyTheNetworkAndThePinnedWhenAsked) {
  for (const unsigned number : {1U, 2U, 3U, 4U}) {
    Peer peer = TestPeer(number, {"10.0.0." + std::to_string(number) + "/32"});
    peer.network = number < 3 ? "red" : "blue";
    peer.pinned = number % 2 == 0;
    ASSERT_TRUE(registry().Put(peer, false));
  }
  ListQuery query;
  query.network = "red";
  EXPECT_THAT(ListedKeys(query), ElementsAre(B64(1), B64(2)));
  query.pinned_only = true;
  EXPECT_THAT(ListedKeys(query), ElementsAre(B64(2)));
  query.network = "";
  EXPECT_THAT(ListedKeys(query), ElementsAre(B64(2), B64(4)));
}

TEST_P(RegistryContract, AListsLimitHasBounds) {
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1001}}) {
    ListQuery query;
    query.limit = limit;
    const auto listed = registry().List(query);
    ASSERT_FALSE(listed) << limit;
    EXPECT_EQ(listed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_P(RegistryContract, OverlapInOneNetworkIsRefusedWholeWithTheOwnerNamed) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.8.0.0/24", "fd08::/64"}), false));
  for (const char* prefix : {"10.8.0.0/24", "10.8.0.0/16", "10.8.0.7/32", "10.8.0.255/32",
                             "0.0.0.0/0", "fd08::/64", "fd08::1/128", "fd08::/16", "::/0"}) {
    const auto put = registry().Put(TestPeer(2, {prefix}), false);
    ASSERT_FALSE(put) << prefix;
    EXPECT_EQ(put.error().code, ErrorCode::kAlreadyExists) << prefix;
    EXPECT_THAT(put.error().message, HasSubstr(prefix));
    EXPECT_THAT(put.error().message, HasSubstr(B64(1)));
  }
  EXPECT_THAT(ListedKeys({}), ElementsAre(B64(1)));
}

TEST_P(RegistryContract, NeighboursAndOtherFamiliesDoNotOverlap) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.8.0.0/24", "fd08::/64"}), false));
  EXPECT_TRUE(registry().Put(TestPeer(2, {"10.8.1.0/24", "10.7.255.255/32"}), false));
  EXPECT_TRUE(registry().Put(TestPeer(3, {"fd08:0:0:1::/64"}), false));
  EXPECT_TRUE(registry().Put(TestPeer(4, {"a08::/24"}), false));  // the bytes of 10.8.0.0/24
}

TEST_P(RegistryContract, OtherNetworksMayHaveTheSameAddresses) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.8.0.0/24"}), false));
  Peer elsewhere = TestPeer(2, {"10.8.0.0/24"});
  elsewhere.network = "elsewhere";
  EXPECT_TRUE(registry().Put(elsewhere, false));
  elsewhere.network = "default";
  EXPECT_FALSE(registry().Put(elsewhere, true));
  const auto found = FindNow(registry(), TestKey(2));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->network, "elsewhere");
}

TEST_P(RegistryContract, APeerMayMoveToAnotherNetworkAndKeepOrGrowItsAddresses) {
  Peer peer = TestPeer(1, {"10.8.0.0/24"});
  ASSERT_TRUE(registry().Put(peer, false));
  peer.network = "elsewhere";
  EXPECT_TRUE(registry().Put(peer, true));
  EXPECT_TRUE(registry().Put(TestPeer(2, {"10.8.0.0/24"}), false));
  peer.allowed_ips = {*IpPrefix::Parse("10.8.0.0/16")};
  EXPECT_TRUE(registry().Put(peer, true));
}

}  // namespace
}  // namespace jitwg::registry
