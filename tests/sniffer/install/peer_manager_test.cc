// Installation and removal through the only door there is.
#include "sniffer/install/peer_manager.h"

#include <cerrno>
#include <thread>

#include "tests/sniffer/install/manager_fixture.h"

namespace jitwg::testing {
namespace {

using sniffer::PeerOutcome;

using PeerManagerTest = PeerManagerFixture;

TEST_F(PeerManagerTest, InstallsAPeerWithEndpointAndOneKick) {
  Start();
  auto request = Request(1, {"10.8.0.2/32", "fd08::2/128"});
  request.preshared_key = PresharedKey::CopyOf(TestKey(99).bytes);
  request.persistent_keepalive = 25;
  request.endpoint = Endpoint{*IpAddress::Parse("192.0.2.1"), 4000, 0};
  request.kick = true;
  EXPECT_EQ(Install(std::move(request)).outcome, PeerOutcome::kInstalled);
  const auto peer = kernel_.Peer("wg0", TestKey(1));
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->allowed_ips, Prefixes({"10.8.0.2/32", "fd08::2/128"}));
  EXPECT_EQ(peer->persistent_keepalive, 25);
  EXPECT_EQ(kernel_.PresharedKeyOf("wg0", TestKey(1)), TestKey(99).ToBase64());
  EXPECT_EQ(kernel_.Initiations("wg0", TestKey(1)), 1u);
  EXPECT_EQ(manager_->own_count(), 1u);
  EXPECT_TRUE(manager_->IsInstalled(TestKey(1)));
  EXPECT_TRUE(manager_->IsOwn(TestKey(1)));
  EXPECT_FALSE(manager_->IsInstalled(TestKey(2)));
}

TEST_F(PeerManagerTest, TheSameSettingsAgainDoNotReachTheKernel) {
  Start();
  for (const bool with_secret : {false, true}) {
    auto request = [&] {
      auto made = Request(with_secret ? 1 : 2, {with_secret ? "10.8.0.2/32" : "10.8.0.3/32"});
      if (with_secret) made.preshared_key = PresharedKey::CopyOf(TestKey(99).bytes);
      return made;
    };
    EXPECT_EQ(Install(request()).outcome, PeerOutcome::kInstalled);
    const auto before = kernel_.changes();
    EXPECT_EQ(Install(request()).outcome, PeerOutcome::kUnchanged);
    EXPECT_EQ(kernel_.changes(), before);
  }
}

TEST_F(PeerManagerTest, AnyOtherSettingUpdates) {
  Start();
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  EXPECT_EQ(Outcome(1, {"10.8.0.3/32"}), PeerOutcome::kUpdated);
  auto request = Request(1, {"10.8.0.3/32"});
  request.persistent_keepalive = 20;
  EXPECT_EQ(Install(std::move(request)).outcome, PeerOutcome::kUpdated);
  for (const unsigned secret : {98u, 99u}) {
    request = Request(1, {"10.8.0.3/32"});
    request.preshared_key = PresharedKey::CopyOf(TestKey(secret).bytes);
    EXPECT_EQ(Install(std::move(request)).outcome, PeerOutcome::kUpdated);
    EXPECT_EQ(kernel_.PresharedKeyOf("wg0", TestKey(1)), TestKey(secret).ToBase64());
  }
  EXPECT_EQ(manager_->own_count(), 1u);
}

TEST_F(PeerManagerTest, AnInstalledPeerNeverGetsItsEndpointSetAgain) {
  Start();
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  auto request = Request(1, {"10.8.0.3/32"});
  request.endpoint = Endpoint{*IpAddress::Parse("203.0.113.9"), 666, 0};
  request.kick = true;
  EXPECT_EQ(Install(std::move(request)).outcome, PeerOutcome::kUpdated);
  EXPECT_FALSE(kernel_.Peer("wg0", TestKey(1))->endpoint);
  EXPECT_EQ(kernel_.Initiations("wg0", TestKey(1)), 0u);
}

TEST_F(PeerManagerTest, AnUpdateNeverBringsARemovedPeerBack) {
  Start();
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  kernel_.RemoveBehindOurBack("wg0", TestKey(1));
  EXPECT_EQ(Outcome(1, {"10.8.0.3/32"}), PeerOutcome::kUpdated);
  EXPECT_EQ(kernel_.peer_count("wg0"), 0u);
  // The next list tells, and then it is installed anew.
  ASSERT_TRUE(manager_->List());
  EXPECT_EQ(manager_->own_count(), 0u);
  EXPECT_EQ(Outcome(1, {"10.8.0.3/32"}), PeerOutcome::kInstalled);
  EXPECT_EQ(kernel_.peer_count("wg0"), 1u);
}

TEST_F(PeerManagerTest, RefusesWhatTheGuardRefusesAndTellsWhy) {
  AddForeign(50, {"10.8.9.0/24"});
  Start(2);
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  EXPECT_EQ(Outcome(2, {"192.168.0.1/32"}), PeerOutcome::kRefusedPrefix);
  EXPECT_EQ(Outcome(2, {}), PeerOutcome::kRefusedPrefix);
  EXPECT_EQ(Outcome(2, {"10.8.0.0/24"}), PeerOutcome::kRefusedAddressTaken);
  EXPECT_EQ(Outcome(2, {"10.8.9.7/32"}), PeerOutcome::kRefusedAddressTaken);
  EXPECT_EQ(Outcome(50, {"10.8.9.0/24"}), PeerOutcome::kRefusedForeign);
  auto own = Request(3, {"10.8.0.7/32"});
  own.public_key = DerivePublicKey(key_);
  const auto refused = Install(std::move(own));
  EXPECT_EQ(refused.outcome, PeerOutcome::kRefusedOwnKey);
  EXPECT_FALSE(refused.message.empty());
  EXPECT_EQ(Outcome(2, {"10.8.0.3/32"}), PeerOutcome::kInstalled);
  EXPECT_EQ(Outcome(3, {"10.8.0.4/32"}), PeerOutcome::kRefusedCap);
  EXPECT_EQ(Outcome(2, {"10.8.0.5/32"}), PeerOutcome::kUpdated) << "an update needs no new place";
  EXPECT_EQ(kernel_.peer_count("wg0"), 3u);
}

TEST_F(PeerManagerTest, AnAddressIsFreeAgainAfterUpdateAndRemoval) {
  Start();
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32", "10.8.0.3/32"}), PeerOutcome::kInstalled);
  EXPECT_EQ(Outcome(1, {"10.8.0.3/32"}), PeerOutcome::kUpdated);
  EXPECT_EQ(Outcome(2, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  EXPECT_EQ(Outcome(3, {"10.8.0.3/32"}), PeerOutcome::kRefusedAddressTaken);
  EXPECT_EQ(Remove(1), PeerOutcome::kRemoved);
  EXPECT_EQ(Outcome(3, {"10.8.0.3/32"}), PeerOutcome::kInstalled);
}

TEST_F(PeerManagerTest, RequestsOfOneCallSeeEachOther) {
  Start(2);
  std::vector<sniffer::InstallRequest> requests;
  requests.push_back(Request(1, {"10.8.0.2/32"}));
  requests.push_back(Request(2, {"10.8.0.2/32"}));  // taken just before
  requests.push_back(Request(1, {"10.8.0.2/32"}));  // the same again
  requests.push_back(Request(1, {"10.8.0.3/32"}));  // other settings
  requests.push_back(Request(2, {"10.8.0.2/32"}));  // free by now
  requests.push_back(Request(3, {"10.8.0.4/32"}));  // one too many
  const auto results = manager_->Install(requests).results;
  const std::vector<PeerOutcome> expected = {
      PeerOutcome::kInstalled, PeerOutcome::kRefusedAddressTaken, PeerOutcome::kUnchanged,
      PeerOutcome::kUpdated,   PeerOutcome::kInstalled,           PeerOutcome::kRefusedCap};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(results[i].outcome, expected[i]) << i;
}

TEST_F(PeerManagerTest, RemovesOwnPeersOnly) {
  AddForeign(50, {"10.8.9.0/24"});
  Start();
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  EXPECT_EQ(Remove(50), PeerOutcome::kRefusedForeign);
  EXPECT_EQ(Remove(2), PeerOutcome::kAbsent);
  EXPECT_EQ(Remove(1), PeerOutcome::kRemoved);
  EXPECT_EQ(Remove(1), PeerOutcome::kAbsent);
  EXPECT_EQ(kernel_.peer_count("wg0"), 1u);
  EXPECT_EQ(manager_->own_count(), 0u);
}

TEST_F(PeerManagerTest, RemovesInBatchesOfAHundred) {
  Start();
  std::vector<sniffer::InstallRequest> requests;
  std::vector<PublicKey> keys;
  for (unsigned i = 0; i < 250; ++i) {
    requests.push_back(Request(i, {}));
    requests.back().allowed_ips = {HostPrefix(i)};
    keys.push_back(TestKey(i));
  }
  for (const auto& result : manager_->Install(requests).results) {
    EXPECT_EQ(result.outcome, PeerOutcome::kInstalled);
  }
  EXPECT_EQ(kernel_.messages(), 1u);
  keys.push_back(keys.front());  // twice in one call
  const auto removed = manager_->Remove(keys).results;
  for (std::size_t i = 0; i < 250; ++i) EXPECT_EQ(removed[i].outcome, PeerOutcome::kRemoved);
  EXPECT_EQ(removed.back().outcome, PeerOutcome::kAbsent);
  EXPECT_EQ(kernel_.messages(), 1u + 3u);
  EXPECT_EQ(kernel_.peer_count("wg0"), 0u);
}

TEST_F(PeerManagerTest, AFailedInstallationLeavesNothingBehind) {
  Start();
  kernel_.FailKey(TestKey(2), ENOMEM);
  std::vector<sniffer::InstallRequest> requests;
  for (unsigned i = 1; i <= 3; ++i) {
    requests.push_back(Request(i, {"10.8.0." + std::to_string(i + 1) + "/32"}));
  }
  const auto results = manager_->Install(requests).results;
  EXPECT_EQ(results[0].outcome, PeerOutcome::kInstalled);
  EXPECT_EQ(results[1].outcome, PeerOutcome::kFailed);
  EXPECT_EQ(results[1].error, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(results[1].message.empty());
  EXPECT_EQ(results[2].outcome, PeerOutcome::kInstalled);
  EXPECT_FALSE(kernel_.Peer("wg0", TestKey(2)));
  EXPECT_EQ(manager_->own_count(), 2u);
  EXPECT_EQ(Outcome(4, {"10.8.0.3/32"}), PeerOutcome::kInstalled) << "its address is free";
}

TEST_F(PeerManagerTest, AFailedUpdateIsTriedAgain) {
  Start();
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  kernel_.FailKey(TestKey(1), ENOMEM);
  EXPECT_EQ(Outcome(1, {"10.8.0.3/32"}), PeerOutcome::kFailed);
  EXPECT_EQ(Outcome(2, {"10.8.0.2/32"}), PeerOutcome::kRefusedAddressTaken)
      << "it may still have it";
  EXPECT_EQ(Outcome(2, {"10.8.0.3/32"}), PeerOutcome::kInstalled);
  kernel_.ClearFaults();
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kUpdated) << "settings were not certain";
}

TEST_F(PeerManagerTest, AnInstallationOfUnknownFateStaysOurs) {
  Start();
  kernel_.FailEverything(ETIMEDOUT);
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kFailed);
  kernel_.ClearFaults();
  EXPECT_TRUE(manager_->IsOwn(TestKey(1)));
  EXPECT_EQ(Outcome(2, {"10.8.0.2/32"}), PeerOutcome::kRefusedAddressTaken);
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled) << "created again, not updated";
  EXPECT_TRUE(kernel_.Peer("wg0", TestKey(1)));
}

TEST_F(PeerManagerTest, AMissingInterfaceFailsEachPeerWithItsReason) {
  Start();
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  kernel_.RemoveInterface("wg0");
  const auto result = Install(Request(2, {"10.8.0.3/32"}));
  EXPECT_EQ(result.outcome, PeerOutcome::kFailed);
  EXPECT_EQ(result.error, ErrorCode::kNotFound);
  EXPECT_EQ(Remove(1), PeerOutcome::kFailed);
  EXPECT_TRUE(manager_->IsOwn(TestKey(1)));
  EXPECT_FALSE(manager_->IsInstalled(TestKey(2)));
}

TEST_F(PeerManagerTest, NarrowedPrefixesHoldForTheNextInstallation) {
  Start();
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  manager_->SetAllowedPrefixes(Prefixes({"10.8.1.0/24"}));
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kRefusedPrefix);
  EXPECT_EQ(Outcome(1, {"10.8.1.2/32"}), PeerOutcome::kUpdated);
  EXPECT_EQ(manager_->policy().allowed_prefixes, Prefixes({"10.8.1.0/24"}));
}

TEST_F(PeerManagerTest, ManyThreadsAgreeOnWhoHasAnAddress) {
  Start();
  std::vector<std::jthread> threads;
  std::atomic<unsigned> installed{0};
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 50; ++i) {
        // All threads want the same 50 addresses for peers of their own.
        auto request = Request(100 * t + i, {});
        request.allowed_ips = {HostPrefix(i)};
        const auto result = manager_->Install(std::span(&request, 1)).results.front();
        if (result.outcome == PeerOutcome::kInstalled) ++installed;
        manager_->IsInstalled(request.public_key);
        if (i % 10 == 0) {
          EXPECT_TRUE(manager_->List());
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(installed, 50u);
  EXPECT_EQ(manager_->own_count(), 50u);
  EXPECT_EQ(kernel_.peer_count("wg0"), 50u);
}

}  // namespace
}  // namespace jitwg::testing
