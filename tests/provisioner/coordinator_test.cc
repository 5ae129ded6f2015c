// The coordinator's promises: one look-up for each key, bounds, replay, and nothing kept of
// strangers.
#include "provisioner/coordinator.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "tests/provisioner/fake_registry.h"
#include "tests/provisioner/fake_sniffer_link.h"
#include "tests/provisioner/test_values.h"
#include "tests/support/manual_clock.h"

namespace jitwg::provisioner {
namespace {

const Error kRegistryAway{ErrorCode::kUnavailable, "away"};

class CoordinatorTest : public ::testing::Test {
 protected:
  CoordinatorTest() {
    interfaces_.Update(*link_.GetInterfaces({}));
    OpenReplay();
  }
  ~CoordinatorTest() override { Stop(); }

  void OpenReplay() {
    replay_.reset();
    replay_ = std::move(*ReplayMemory::Open(directory_.path()));
  }
  void Start(const CoordinatorOptions& options = {}) {
    coordinator_ = std::make_unique<Coordinator>(
        CoordinatorParts{clock_, link_, registry_, *replay_, book_, interfaces_, decisions_},
        options,
        CoordinatorCallbacks{
            .recheck = [this](const PublicKey& key) { rechecked_.push_back(key); },
            .cap_reached = [this](const std::string& interface) { full_.push_back(interface); },
            .outbound_landed =
                [this](const OutboundCall& call, Verdict verdict) {
                  landed_.emplace_back(call.public_key, verdict);
                }});
  }
  // There is no coordinator afterwards; what is decided is published.
  void Stop() {
    registry_.Release();
    link_.ReleaseInstalls();
    coordinator_.reset();
  }
  void Finish() {
    while (coordinator_->in_flight() != 0) std::this_thread::yield();
    Stop();
  }
  void Restart() {
    Stop();
    OpenReplay();
    Start();
  }
  void Register(std::uint16_t number) { ASSERT_TRUE(registry_.Put(MakePeer(number), true)); }
  std::optional<Tai64n> Newest(std::uint16_t number) { return *replay_->Newest(Key(number)); }

  TemporaryDirectory directory_;
  ManualClock clock_;
  FakeSnifferLink link_;
  HoldableRegistry registry_;
  std::unique_ptr<ReplayMemory> replay_;
  PeerBook book_;
  InterfaceTable interfaces_;
  DecisionHub decisions_;
  std::vector<PublicKey> rechecked_;
  std::vector<std::string> full_;
  std::vector<std::pair<PublicKey, Verdict>> landed_;
  std::unique_ptr<Coordinator> coordinator_;
};

TEST_F(CoordinatorTest, InstallsARegisteredKeyWithItsInitiation) {
  Register(1);
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 77));
  Finish();
  const auto calls = link_.install_calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].interface, "wg0");
  EXPECT_EQ(calls[0].initiation_ids, std::vector<std::uint64_t>{77});
  EXPECT_TRUE(link_.HasPeer("wg0", Key(1)));
  EXPECT_TRUE(book_.Contains({"wg0", Key(1)}));
  EXPECT_EQ(Newest(1), Stamp(0));
  EXPECT_EQ(decisions_.Count(Verdict::kInstalled), 1U);
}

TEST_F(CoordinatorTest, AsksOnceHoweverManyInitiationsCome) {
  Register(1);
  registry_.Hold();
  Start();
  for (int i = 0; i < 10; ++i) {
    coordinator_->OnEvent(MakeEvent(1, i, 100 + static_cast<std::uint64_t>(i)));
  }
  EXPECT_EQ(registry_.finds(), 1U);
  EXPECT_EQ(coordinator_->in_flight(), 1U);
  EXPECT_EQ(coordinator_->superseded(), 9U);
  registry_.Release();
  Finish();
  const auto calls = link_.install_calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].initiation_ids, std::vector<std::uint64_t>{109});
  EXPECT_EQ(Newest(1), Stamp(9));
  EXPECT_EQ(registry_.finds(), 1U);
}

TEST_F(CoordinatorTest, AnInitiationNoNewerThanTheOneInFlightIsAReplay) {
  Register(1);
  registry_.Hold();
  Start();
  coordinator_->OnEvent(MakeEvent(1, 5, 1));
  coordinator_->OnEvent(MakeEvent(1, 5, 2));
  coordinator_->OnEvent(MakeEvent(1, 4, 3));
  EXPECT_EQ(decisions_.Count(Verdict::kReplay), 2U);
  registry_.Release();
  Finish();
  EXPECT_EQ(link_.install_calls().at(0).initiation_ids, std::vector<std::uint64_t>{1});
}

TEST_F(CoordinatorTest, TheNewestInitiationIsCompletedAlsoWhenItComesDuringTheInstall) {
  Register(1);
  link_.HoldInstalls();
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  link_.WaitForInstalls(1);
  coordinator_->OnEvent(MakeEvent(1, 5, 2));
  link_.ReleaseInstalls();
  Finish();
  const auto calls = link_.install_calls();
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[1].initiation_ids, std::vector<std::uint64_t>{2});
  EXPECT_EQ(registry_.finds(), 1U);
  EXPECT_EQ(Newest(1), Stamp(5));
}

TEST_F(CoordinatorTest, BeyondTheBoundNothingIsLookedUpOrKept) {
  registry_.Hold();
  CoordinatorOptions options;
  options.max_lookups = 3;
  Start(options);
  for (std::uint16_t i = 0; i < 5; ++i) coordinator_->OnEvent(MakeEvent(i, 0, 1));
  EXPECT_EQ(registry_.finds(), 3U);
  EXPECT_EQ(coordinator_->in_flight(), 3U);
  EXPECT_EQ(decisions_.Count(Verdict::kOverloaded), 2U);
  // A key already in flight needs no room.
  coordinator_->OnEvent(MakeEvent(0, 1, 2));
  EXPECT_EQ(decisions_.Count(Verdict::kOverloaded), 2U);
  registry_.Release();
  coordinator_->OnEvent(MakeEvent(4, 1, 2));
  EXPECT_EQ(registry_.finds(), 4U);
}

TEST_F(CoordinatorTest, AnUnknownKeyLeavesNothingBehind) {
  Start();
  coordinator_->OnEvent(MakeEvent(9, 0, 1));
  coordinator_->OnEvent(MakeEvent(9, 0, 2));  // the same stamp: looked up again, not a replay
  EXPECT_EQ(coordinator_->in_flight(), 0U);
  EXPECT_EQ(decisions_.Count(Verdict::kUnknownKey), 2U);
  EXPECT_EQ(Newest(9), std::nullopt);
  EXPECT_TRUE(link_.install_calls().empty());
  EXPECT_EQ(book_.size(), 0U);
}

TEST_F(CoordinatorTest, AReplayCausesNoLookUpAlsoAfterARestart) {
  Register(1);
  Start();
  coordinator_->OnEvent(MakeEvent(1, 10, 1));
  Finish();
  link_.DropPeer("wg0", Key(1));
  OpenReplay();
  Start();
  coordinator_->OnEvent(MakeEvent(1, 10, 2));
  coordinator_->OnEvent(MakeEvent(1, 9, 3));
  EXPECT_EQ(registry_.finds(), 1U);
  EXPECT_EQ(decisions_.Count(Verdict::kReplay), 2U);
  EXPECT_EQ(coordinator_->in_flight(), 0U);
  coordinator_->OnEvent(MakeEvent(1, 11, 4));
  Finish();
  EXPECT_TRUE(link_.HasPeer("wg0", Key(1)));
}

TEST_F(CoordinatorTest, AnOutageOfTheRegistryIsForgottenAtTheNextTry) {
  Register(1);
  registry_.Fail(kRegistryAway);
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  EXPECT_EQ(decisions_.Count(Verdict::kRegistryUnavailable), 1U);
  EXPECT_EQ(Newest(1), std::nullopt);
  registry_.Fail(std::nullopt);
  coordinator_->OnEvent(MakeEvent(1, 5, 2));
  Finish();
  EXPECT_TRUE(link_.HasPeer("wg0", Key(1)));
}

TEST_F(CoordinatorTest, AFailedInstallIsTriedAgainWithTheNextInitiation) {
  Register(1);
  link_.FailInstalls(kRegistryAway);
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  Finish();
  EXPECT_EQ(decisions_.Count(Verdict::kInstallFailed), 1U);
  EXPECT_EQ(Newest(1), Stamp(0));  // on disk before the call
  link_.FailInstalls(std::nullopt);
  Start();
  coordinator_->OnEvent(MakeEvent(1, 5, 2));
  Finish();
  EXPECT_TRUE(link_.HasPeer("wg0", Key(1)));
}

TEST_F(CoordinatorTest, AnInstalledPeersEventOnlyRaisesItsStamp) {
  Start();
  HandshakeEvent event = MakeEvent(1, 7, 1);
  event.already_installed = true;
  coordinator_->OnEvent(event);
  EXPECT_EQ(registry_.finds(), 0U);
  EXPECT_EQ(Newest(1), Stamp(7));
  EXPECT_EQ(decisions_.Count(Verdict::kAlreadyInstalled), 1U);
}

TEST_F(CoordinatorTest, WaitingInstallsTravelTogether) {
  for (std::uint16_t i = 0; i < 150; ++i) Register(i);
  link_.HoldInstalls();
  CoordinatorOptions options;
  options.install = {.max_calls = 1, .max_batch = 64};
  Start(options);
  coordinator_->OnEvent(MakeEvent(0, 0, 1));
  link_.WaitForInstalls(1);  // the line is taken now
  for (std::uint16_t i = 1; i < 150; ++i) coordinator_->OnEvent(MakeEvent(i, 0, 1));
  link_.ReleaseInstalls();
  Finish();
  std::vector<std::size_t> sizes;
  for (const auto& call : link_.install_calls()) sizes.push_back(call.keys.size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 64, 64, 21}));
  EXPECT_EQ(decisions_.Count(Verdict::kInstalled), 150U);
}

TEST_F(CoordinatorTest, WhatIsDecidedTogetherTravelsTogether) {
  for (std::uint16_t i = 0; i < 20; ++i) Register(i);
  Start();
  std::vector<HandshakeEvent> events;
  for (std::uint16_t i = 0; i < 20; ++i) events.push_back(MakeEvent(i, 0, 1));
  events.push_back(MakeEvent(99, 0, 1));  // registered nowhere
  coordinator_->OnEvents(events);
  Finish();
  const auto calls = link_.install_calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].keys.size(), 20U);
  EXPECT_EQ(decisions_.Count(Verdict::kInstalled), 20U);
  EXPECT_EQ(decisions_.Count(Verdict::kUnknownKey), 1U);
}

// The sniffer may serve another interface whose call goes through.
TEST_F(CoordinatorTest, ACallThatHangsHoldsNobodyBackForLong) {
  for (std::uint16_t i = 0; i < 2; ++i) Register(i);
  link_.HoldInstalls();
  Start();
  coordinator_->OnEvent(MakeEvent(0, 0, 1));
  link_.WaitForInstalls(1);
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  link_.WaitForInstalls(2);
  link_.ReleaseInstalls();
  Finish();
  EXPECT_EQ(decisions_.Count(Verdict::kInstalled), 2U);
}

TEST_F(CoordinatorTest, ARegistryThatKnowsAtOnceIsNotWaitedFor) {
  Register(1);
  registry_.AnswerAtOnce();
  registry_.Hold();  // would hold back whatever is asked the other way
  Start();
  coordinator_->OnEvents({MakeEvent(1, 0, 1), MakeEvent(2, 0, 2)});
  EXPECT_EQ(decisions_.Count(Verdict::kUnknownKey), 1U);
  link_.WaitForInstalls(1);
  EXPECT_EQ(coordinator_->lookups(), 2U);
  Finish();
  EXPECT_EQ(decisions_.Count(Verdict::kInstalled), 1U);
}

TEST_F(CoordinatorTest, TheSniffersRefusalIsTheVerdict) {
  Register(1);
  Register(2);
  link_.SetOutcome(Key(1), PeerOutcome::kRefusedPrefix);
  link_.SetOutcome(Key(2), PeerOutcome::kRefusedCap);
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  coordinator_->OnEvent(MakeEvent(2, 0, 2));
  Finish();
  EXPECT_EQ(decisions_.Count(Verdict::kPrefixNotAllowed), 1U);
  EXPECT_EQ(decisions_.Count(Verdict::kInstallFailed), 1U);
  EXPECT_EQ(full_, std::vector<std::string>{"wg0"});
  EXPECT_EQ(book_.size(), 0U);
}

TEST_F(CoordinatorTest, PolicyRefusesBeforeAnythingIsStored) {
  auto peer = MakePeer(1);
  peer.enabled = false;
  ASSERT_TRUE(registry_.Put(peer, false));
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  EXPECT_EQ(decisions_.Count(Verdict::kDisabled), 1U);
  EXPECT_EQ(Newest(1), std::nullopt);
  EXPECT_TRUE(link_.install_calls().empty());
}

TEST_F(CoordinatorTest, AKeyCreatedDuringItsLookUpIsLookedUpAgain) {
  registry_.Hold();
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  coordinator_->OnRegistryChange({Key(1)});
  registry_.Release();  // the answer to the first look-up: no such key
  Register(1);
  Finish();
  EXPECT_EQ(registry_.CountFinds(Key(1)), 2U);
}

TEST_F(CoordinatorTest, AKeyRevokedDuringItsInstallIsCheckedAgain) {
  Register(1);
  link_.HoldInstalls();
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  link_.WaitForInstalls(1);
  coordinator_->OnRegistryChange({Key(1)});
  link_.ReleaseInstalls();
  Finish();
  EXPECT_EQ(rechecked_, std::vector<PublicKey>{Key(1)});
}

TEST_F(CoordinatorTest, StoppingEndsWhatWaitsAndTakesNothingNew) {
  Register(1);
  Register(2);
  link_.HoldInstalls();
  CoordinatorOptions options;
  options.install = {.max_calls = 1, .max_batch = 1};
  Start(options);
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  link_.WaitForInstalls(1);
  coordinator_->OnEvent(MakeEvent(2, 0, 2));
  std::thread stopper([this] { coordinator_->Stop(); });
  while (decisions_.Count(Verdict::kInstallFailed) == 0) std::this_thread::yield();
  link_.ReleaseInstalls();
  stopper.join();
  coordinator_->OnEvent(MakeEvent(2, 5, 3));
  EXPECT_EQ(decisions_.Count(Verdict::kInstalled), 1U);
  EXPECT_EQ(decisions_.Count(Verdict::kOverloaded), 1U);
  EXPECT_EQ(registry_.finds(), 2U);
}

TEST_F(CoordinatorTest, TheSameKeyOnTwoInterfacesIsInFlightTwice) {
  Register(1);
  registry_.Hold();
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 1));
  HandshakeEvent other = MakeEvent(1, 1, 2);
  other.interface = "wg1";
  coordinator_->OnEvent(other);
  EXPECT_EQ(coordinator_->in_flight(), 2U);
  registry_.Release();
  Finish();
  EXPECT_EQ(link_.install_calls().size(), 2U);
}

}  // namespace
}  // namespace jitwg::provisioner
