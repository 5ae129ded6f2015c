// The whole, with its threads, on a fake sniffer and registry.
#include "provisioner/provisioner.h"

#include <thread>

#include "tests/provisioner/gateway_fixture.h"

namespace jitwg::provisioner {
namespace {

class ProvisionerTest : public GatewayFixture {
 protected:
  void Start() {
    ProvisionerOptions options;
    options.reconciler.retry_delay = std::chrono::milliseconds(1);
    options.reconciler.full_spacing = std::chrono::milliseconds(1);
    options.evict_interval = std::chrono::hours(1);
    provisioner_ = std::make_unique<Provisioner>(clock_, link_, registry_, *replay_, options);
    provisioner_->Start();
    link_.WaitForWatcher();
    link_.Connect(1);
  }
  // The test's own time limit is what ends a wait in vain.
  template <class Condition>
  static void WaitFor(Condition condition) {
    while (!condition()) std::this_thread::yield();
  }

  std::unique_ptr<Provisioner> provisioner_;
};

TEST_F(ProvisionerTest, AnEventBecomesAnInstalledPeer) {
  Register(MakePeer(1));
  Start();
  link_.Emit(MakeEvent(1, 0, 9));
  WaitFor([&] { return provisioner_->decisions().Count(Verdict::kInstalled) == 1; });
  EXPECT_TRUE(HasPeer(1));
  EXPECT_EQ(provisioner_->coordinator().lookups(), 1U);
}

TEST_F(ProvisionerTest, ARevocationIsCarriedOut) {
  Register(MakePeer(1));
  Start();
  link_.Emit(MakeEvent(1, 0, 9));
  WaitFor([&] { return HasPeer(1); });
  ASSERT_TRUE(registry_.Remove(Key(1)));
  // Until the first reconciliation has told of the interfaces, a notice concerns none.
  WaitFor([&] {
    registry_.Notify({Key(1)});
    return !HasPeer(1);
  });
  WaitFor([&] { return provisioner_->decisions().Count(EvictionReason::kRevoked) == 1; });
}

TEST_F(ProvisionerTest, LostNoticesMeanThatEverythingIsLookedAt) {
  Start();
  WaitFor([&] { return link_.list_calls() >= 2; });
  link_.PutPeer("wg0", LiveState(MakePeer(1)));
  registry_.Notify({});
  WaitFor([&] { return !HasPeer(1); });
}

TEST_F(ProvisionerTest, EachConnectionIsFollowedByAReconciliation) {
  Start();
  WaitFor([&] { return link_.list_calls() >= 2; });
  link_.Disconnect(Error{ErrorCode::kUnavailable, "gone"});
  EXPECT_FALSE(provisioner_->link_status().connected);
  EXPECT_EQ(provisioner_->link_status().problem, "gone");
  link_.PutPeer("wg0", LiveState(MakePeer(1)));
  link_.Connect(2);
  WaitFor([&] { return !HasPeer(1); });
  const LinkStatus status = provisioner_->link_status();
  EXPECT_TRUE(status.connected);
  EXPECT_TRUE(status.problem.empty());
  EXPECT_EQ(status.reconnects, 1U);
}

TEST_F(ProvisionerTest, AnOutageOfTheRegistryIsMadeUpForAfterwards) {
  auto pinned = MakePeer(1);
  pinned.pinned = true;
  Register(pinned);
  registry_.Fail(Error{ErrorCode::kUnavailable, "away"});
  Start();
  WaitFor([&] { return link_.list_calls() >= 3; });
  EXPECT_FALSE(HasPeer(1));
  registry_.Fail(std::nullopt);
  WaitFor([&] { return HasPeer(1); });
}

TEST_F(ProvisionerTest, StopsWithWorkUnderWay) {
  for (std::uint16_t i = 0; i < 200; ++i) Register(MakePeer(i));
  Start();
  for (std::uint16_t i = 0; i < 200; ++i) link_.Emit(MakeEvent(i, 0, i));
  provisioner_.reset();
  for (const auto& call : link_.install_calls()) EXPECT_LE(call.keys.size(), kMaxInstallBatch);
}

TEST_F(ProvisionerTest, ADemandBecomesAnInstalledPeerAndASecondOneWaits) {
  Register(MakePeer(1));
  registry_.SetLastEndpoint(Key(1), {*IpAddress::Parse("192.0.2.7"), 4000, 0});
  Start();
  const OutboundDemand demand{3, "wg0", *IpAddress::Parse("10.0.1.1"), clock_.WallNow()};
  link_.Emit(demand);
  WaitFor([&] { return provisioner_->decisions().Count(Verdict::kInstalled) == 1; });
  EXPECT_TRUE(HasPeer(1));
  const auto call = link_.install_calls().back();
  EXPECT_EQ(call.demand_ids, std::vector<std::uint64_t>{3});
  ASSERT_TRUE(call.suggested_endpoints.at(0));
  WaitFor([&] {
    link_.Emit(demand);
    return provisioner_->outbound().Counters().at("backed_off") != 0;
  });
}

TEST_F(ProvisionerTest, StopsWithDemandsUnderWay) {
  for (std::uint16_t i = 0; i < 200; ++i) Register(MakePeer(i));
  Start();
  for (std::uint16_t i = 0; i < 200; ++i) {
    link_.Emit(OutboundDemand{i + 1U, "wg0", MakePeer(i).allowed_ips.at(0).address(), {}});
  }
  provisioner_.reset();
}

}  // namespace
}  // namespace jitwg::provisioner
