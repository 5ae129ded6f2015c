// Outbound calls through the coordinator: the same rules, and a caller who comes in between loses
// nothing and proves all that he must.
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "provisioner/coordinator.h"
#include "tests/provisioner/fake_registry.h"
#include "tests/provisioner/fake_sniffer_link.h"
#include "tests/provisioner/test_values.h"
#include "tests/support/manual_clock.h"

namespace jitwg::provisioner {
namespace {

const Endpoint kHome{*IpAddress::Parse("192.0.2.7"), 4000, 0};

OutboundCall CallFor(std::uint16_t number, std::uint64_t demand_id = 5) {
  return {{demand_id, "wg0", MakePeer(number).allowed_ips.at(0).address(), {}}, Key(number), kHome};
}

class OutboundCoordinatorTest : public ::testing::Test {
 protected:
  OutboundCoordinatorTest() : replay_(std::move(*ReplayMemory::Open(directory_.path()))) {
    interfaces_.Update(*link_.GetInterfaces({}));
  }
  ~OutboundCoordinatorTest() override { Stop(); }

  void Start(const CoordinatorOptions& options = {}) {
    coordinator_ = std::make_unique<Coordinator>(
        CoordinatorParts{clock_, link_, registry_, *replay_, book_, interfaces_, decisions_},
        options,
        CoordinatorCallbacks{.recheck = {},
                             .cap_reached = {},
                             .outbound_landed = [this](const OutboundCall& call, Verdict verdict) {
                               landed_.emplace_back(call.public_key, verdict);
                             }});
  }
  void Stop() {
    registry_.Release();
    link_.ReleaseInstalls();
    coordinator_.reset();
  }
  void Finish() {
    while (coordinator_->in_flight() != 0) std::this_thread::yield();
    Stop();
  }
  void Register(const registry::Peer& peer) { ASSERT_TRUE(registry_.Put(peer, true)); }
  Decision Last() const { return decisions_.history().Last(1).at(0); }

  TemporaryDirectory directory_;
  ManualClock clock_;
  FakeSnifferLink link_;
  HoldableRegistry registry_;
  std::unique_ptr<ReplayMemory> replay_;
  PeerBook book_;
  InterfaceTable interfaces_;
  DecisionHub decisions_;
  std::vector<std::pair<PublicKey, Verdict>> landed_;
  std::unique_ptr<Coordinator> coordinator_;
};

TEST_F(OutboundCoordinatorTest, InstallsARegisteredPeerToBeCalled) {
  Register(MakePeer(1));
  Start();
  coordinator_->OnOutbound(CallFor(1, 77));
  Finish();
  const auto calls = link_.install_calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].initiation_ids, std::vector<std::uint64_t>{0});
  EXPECT_EQ(calls[0].demand_ids, std::vector<std::uint64_t>{77});
  EXPECT_EQ(calls[0].suggested_endpoints.at(0), kHome);
  EXPECT_TRUE(link_.HasPeer("wg0", Key(1)));
  EXPECT_TRUE(book_.Contains({"wg0", Key(1)}));
  EXPECT_FALSE(*replay_->Newest(Key(1))) << "nobody has proved anything";
  EXPECT_EQ(Last().verdict, Verdict::kInstalled);
  ASSERT_TRUE(Last().destination);
  EXPECT_EQ(Last().detail, "outbound to 10.0.1.1");
  ASSERT_EQ(landed_.size(), 1U);
  EXPECT_EQ(landed_[0], std::pair(Key(1), Verdict::kInstalled));
}

TEST_F(OutboundCoordinatorTest, PolicyIsTheSame) {
  auto disabled = MakePeer(1);
  disabled.enabled = false;
  Register(disabled);
  auto expired = MakePeer(2);
  expired.expires_at = clock_.WallNow();
  Register(expired);
  Start();
  coordinator_->OnOutbound(CallFor(1));
  coordinator_->OnOutbound(CallFor(2));
  coordinator_->OnOutbound(CallFor(3));  // removed meanwhile
  Finish();
  EXPECT_TRUE(link_.install_calls().empty());
  EXPECT_EQ(landed_, (std::vector<std::pair<PublicKey, Verdict>>{{Key(1), Verdict::kDisabled},
                                                                 {Key(2), Verdict::kExpired},
                                                                 {Key(3), Verdict::kUnknownKey}}));
}

TEST_F(OutboundCoordinatorTest, NobodyKnowingWhereThePeerIsIsAVerdict) {
  Register(MakePeer(1));
  link_.SetOutcome(Key(1), PeerOutcome::kNoEndpoint);
  Start();
  coordinator_->OnOutbound(CallFor(1));
  Finish();
  EXPECT_EQ(Last().verdict, Verdict::kNoEndpoint);
  EXPECT_FALSE(book_.Contains({"wg0", Key(1)}));
}

TEST_F(OutboundCoordinatorTest, AKeyInFlightIsLeftToThat) {
  Register(MakePeer(1));
  registry_.Hold();
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 9));
  coordinator_->OnOutbound(CallFor(1));
  coordinator_->OnOutbound(CallFor(1));
  EXPECT_EQ(coordinator_->in_flight(), 1U);
  registry_.Release();
  Finish();
  ASSERT_EQ(link_.install_calls().size(), 1U);
  EXPECT_EQ(link_.install_calls()[0].initiation_ids, std::vector<std::uint64_t>{9});
  EXPECT_TRUE(landed_.empty());
}

TEST_F(OutboundCoordinatorTest, OutboundFlightsTakeHalfOfThePlacesAtMost) {
  CoordinatorOptions options;
  options.max_lookups = 4;
  registry_.Hold();
  Start(options);
  for (std::uint16_t i = 1; i <= 5; ++i) coordinator_->OnOutbound(CallFor(i));
  EXPECT_EQ(coordinator_->in_flight(), 2U);
  for (std::uint16_t i = 11; i <= 15; ++i) coordinator_->OnEvent(MakeEvent(i, 0, i));
  EXPECT_EQ(coordinator_->in_flight(), 4U);
  EXPECT_EQ(registry_.finds(), 4U);
  registry_.Release();
  Finish();
}

TEST_F(OutboundCoordinatorTest, ACallerWhoComesDuringTheLookUpGetsTheFlight) {
  Register(MakePeer(1));
  registry_.Hold();
  Start();
  coordinator_->OnOutbound(CallFor(1));
  coordinator_->OnEvent(MakeEvent(1, 3, 9));
  registry_.Release();
  Finish();
  const auto calls = link_.install_calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].initiation_ids, std::vector<std::uint64_t>{9});
  EXPECT_EQ(calls[0].demand_ids, std::vector<std::uint64_t>{0});
  EXPECT_EQ(*replay_->Newest(Key(1)), Stamp(3));
  EXPECT_FALSE(Last().destination);
  EXPECT_TRUE(landed_.empty());
}

TEST_F(OutboundCoordinatorTest, ACallerWhoComesDuringTheInstallIsInstalledFor) {
  for (const auto outcome : {PeerOutcome::kInstalled, PeerOutcome::kNoEndpoint}) {
    Register(MakePeer(1));
    link_.HoldInstalls();
    link_.SetOutcome(Key(1), outcome);
    const std::size_t before = link_.install_calls().size();
    Start();
    coordinator_->OnOutbound(CallFor(1));
    link_.WaitForInstalls(before + 1);
    const std::int64_t second = outcome == PeerOutcome::kInstalled ? 3 : 4;
    coordinator_->OnEvent(MakeEvent(1, second, 9));
    link_.ReleaseInstalls();
    link_.WaitForInstalls(before + 2);
    Finish();
    EXPECT_EQ(link_.install_calls().at(before + 1).initiation_ids, std::vector<std::uint64_t>{9});
    EXPECT_EQ(*replay_->Newest(Key(1)), Stamp(second));
  }
}

TEST_F(OutboundCoordinatorTest, AReplayDoesNotJoinAnOutboundFlight) {
  Register(MakePeer(1));
  const KeyStamp known{Key(1), Stamp(5)};
  ASSERT_TRUE(replay_->Raise({known}));
  registry_.Hold();
  Start();
  coordinator_->OnOutbound(CallFor(1));
  coordinator_->OnEvent(MakeEvent(1, 5, 8));
  coordinator_->OnEvent(MakeEvent(1, 4, 9));
  EXPECT_EQ(decisions_.Count(Verdict::kReplay), 2U);
  coordinator_->OnEvent(MakeEvent(1, 6, 10));
  coordinator_->OnEvent(MakeEvent(1, 6, 11));
  EXPECT_EQ(decisions_.Count(Verdict::kReplay), 3U);
  registry_.Release();
  Finish();
  EXPECT_EQ(link_.install_calls().at(0).initiation_ids, std::vector<std::uint64_t>{10});
  EXPECT_EQ(*replay_->Newest(Key(1)), Stamp(6));
}

}  // namespace
}  // namespace jitwg::provisioner
