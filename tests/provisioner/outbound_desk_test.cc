#include "provisioner/outbound_desk.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/provisioner/fake_registry.h"
#include "tests/provisioner/test_values.h"
#include "tests/support/manual_clock.h"

namespace jitwg::provisioner {
namespace {

using std::chrono_literals::operator""s;

OutboundDemand DemandFor(const std::string& address, std::uint64_t id = 1) {
  return {id, "wg0", *IpAddress::Parse(address), {}};
}

class OutboundDeskTest : public ::testing::Test {
 protected:
  void Make(const OutboundDeskOptions& options = {}) {
    desk_ = std::make_unique<OutboundDesk>(
        clock_, registry_, decisions_, options,
        [this](const OutboundCall& call) { calls_.push_back(call); });
  }
  void Work() {
    while (desk_->LookUpNext()) {
    }
  }
  std::uint64_t Count(const char* name) const { return desk_->Counters().at(name); }

  ManualClock clock_;
  HoldableRegistry registry_;
  DecisionHub decisions_;
  std::unique_ptr<OutboundDesk> desk_;
  std::vector<OutboundCall> calls_;
};

TEST_F(OutboundDeskTest, AnAddressLeadsToItsPeerAndWhereItWas) {
  Make();
  ASSERT_TRUE(registry_.Put(MakePeer(1), false));
  registry_.SetLastEndpoint(Key(1), {*IpAddress::Parse("192.0.2.7"), 4000, 0});
  desk_->OnDemand(DemandFor("10.0.1.1", 77));
  Work();
  ASSERT_EQ(calls_.size(), 1U);
  EXPECT_EQ(calls_[0].public_key, Key(1));
  EXPECT_EQ(calls_[0].demand.demand_id, 77U);
  ASSERT_TRUE(calls_[0].suggested_endpoint);
  EXPECT_EQ(calls_[0].suggested_endpoint->ToString(), "192.0.2.7:4000");
}

TEST_F(OutboundDeskTest, AnAddressOfNobodyIsDecidedAndNotAskedAgainAtOnce) {
  Make();
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  EXPECT_TRUE(calls_.empty());
  EXPECT_EQ(decisions_.Count(Verdict::kUnknownAddress), 1U);
  const auto decision = decisions_.history().Last(1).at(0);
  EXPECT_TRUE(decision.event.public_key.IsZero());
  ASSERT_TRUE(decision.destination);
  EXPECT_EQ(decision.destination->ToString(), "10.0.1.1");
  EXPECT_EQ(decision.detail, "outbound to 10.0.1.1");
  for (int i = 0; i < 10; ++i) desk_->OnDemand(DemandFor("10.0.1.1"));
  EXPECT_EQ(Count("backed_off"), 10U);
  EXPECT_EQ(registry_.holder_finds(), 1U);
}

TEST_F(OutboundDeskTest, ANewPeerIsFoundAtOnce) {
  Make();
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  ASSERT_TRUE(registry_.Put(MakePeer(1), false));
  desk_->OnRegistryChange({Key(1)});
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  EXPECT_EQ(calls_.size(), 1U);
}

TEST_F(OutboundDeskTest, ARegistryThatIsAwayIsToldAndWaitedFor) {
  Make();
  registry_.Fail(Error{ErrorCode::kUnavailable, "it is away"});
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  EXPECT_EQ(decisions_.Count(Verdict::kRegistryUnavailable), 1U);
  EXPECT_EQ(decisions_.history().Last(1).at(0).detail, "outbound to 10.0.1.1; it is away");
  desk_->OnDemand(DemandFor("10.0.1.1"));
  EXPECT_EQ(Count("backed_off"), 1U);
}

TEST_F(OutboundDeskTest, WhatWaitsIsBoundedAndEachAddressWaitsOnce) {
  OutboundDeskOptions options;
  options.max_waiting = 4;
  Make(options);
  for (int i = 0; i < 3; ++i) desk_->OnDemand(DemandFor("10.0.1.1"));
  for (int i = 2; i < 10; ++i) desk_->OnDemand(DemandFor("10.0." + std::to_string(i) + ".1"));
  EXPECT_EQ(Count("waiting_already"), 2U);
  EXPECT_EQ(Count("overflow"), 5U);
  Work();
  EXPECT_EQ(registry_.holder_finds(), 4U);
}

TEST_F(OutboundDeskTest, ACalledPeerIsLeftAloneUntilItCallsOrItsTimeComes) {
  Make();
  ASSERT_TRUE(registry_.Put(MakePeer(1), false));
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  desk_->OnLanded(calls_.at(0), Verdict::kInstalled);
  clock_.Advance(29s);
  desk_->OnDemand(DemandFor("10.0.1.1"));
  EXPECT_EQ(Count("backed_off"), 1U);
  clock_.Advance(1s);
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  EXPECT_EQ(calls_.size(), 2U);
  desk_->OnLanded(calls_.at(1), Verdict::kInstalled);
  desk_->OnEvent(MakeEvent(1, 0, 1));
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  EXPECT_EQ(calls_.size(), 3U);
}

TEST_F(OutboundDeskTest, AListedHandshakeIsASignOfLifeAndAPeerWithoutOneIsNot) {
  Make();
  ASSERT_TRUE(registry_.Put(MakePeer(1), false));
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  desk_->OnLanded(calls_.at(0), Verdict::kInstalled);
  PeerList list;
  list.peers = {OwnPeer(MakePeer(1))};
  desk_->NoteList("wg0", list);
  desk_->OnDemand(DemandFor("10.0.1.1"));
  EXPECT_EQ(Count("backed_off"), 1U);
  list.peers[0].last_handshake = clock_.WallNow();
  desk_->NoteList("wg1", list);
  desk_->OnDemand(DemandFor("10.0.1.1"));
  EXPECT_EQ(Count("backed_off"), 2U);
  desk_->NoteList("wg0", list);
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  EXPECT_EQ(calls_.size(), 2U);
}

TEST_F(OutboundDeskTest, AnotherAddressOfAPeerThatWaitsIsLookedUpOnce) {
  Make();
  auto peer = MakePeer(1);
  peer.allowed_ips.push_back(*IpPrefix::Parse("10.7.0.0/24"));
  ASSERT_TRUE(registry_.Put(peer, false));
  desk_->OnDemand(DemandFor("10.0.1.1"));
  Work();
  desk_->OnLanded(calls_.at(0), Verdict::kNoEndpoint);
  desk_->OnDemand(DemandFor("10.7.0.9"));
  Work();
  desk_->OnDemand(DemandFor("10.7.0.9"));
  EXPECT_EQ(calls_.size(), 1U);
  EXPECT_EQ(Count("backed_off"), 2U);
  EXPECT_EQ(registry_.holder_finds(), 2U);
}

}  // namespace
}  // namespace jitwg::provisioner
