// What PeerManager learns from the kernel's lists, and what it makes of changes of the interface.
#include <cerrno>
#include <future>
#include <thread>

#include "tests/sniffer/install/manager_fixture.h"

namespace jitwg::testing {
namespace {

using sniffer::PeerOutcome;

using PeerManagerListTest = PeerManagerFixture;

TEST_F(PeerManagerListTest, CannotStartWithoutTheInterface) {
  kernel_.RemoveInterface("wg0");
  const auto created = sniffer::PeerManager::Create(kernel_, clock_, Options());
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, ErrorCode::kNotFound);
}

TEST_F(PeerManagerListTest, MarksOwnPeersWithAgeAndNewestTimestamp) {
  AddForeign(50, {"10.8.9.0/24"});
  Start();
  auto request = Request(1, {"10.8.0.2/32"});
  request.newest_timestamp = Tai64n::FromUnix(100, 0);
  Install(std::move(request));
  manager_->NoteTimestamp(TestKey(1), Tai64n::FromUnix(200, 0));
  manager_->NoteTimestamp(TestKey(1), Tai64n::FromUnix(150, 0));
  manager_->NoteTimestamp(TestKey(50), Tai64n::FromUnix(150, 0));
  const WallTime handshake(std::chrono::seconds(1'700'000'100));
  kernel_.CompleteHandshake("wg0", TestKey(1), handshake);
  kernel_.SetTraffic("wg0", TestKey(1), 10, 20);
  clock_.Advance(std::chrono::seconds(30));
  const auto list = manager_->List();
  ASSERT_TRUE(list);
  EXPECT_FALSE(list->interrupted);
  ASSERT_EQ(list->peers.size(), 2u);
  const auto* own = Find(*list, 1);
  ASSERT_NE(own, nullptr);
  EXPECT_TRUE(own->own);
  EXPECT_EQ(own->installed_for, std::chrono::seconds(30));
  EXPECT_EQ(own->newest_timestamp, Tai64n::FromUnix(200, 0));
  EXPECT_EQ(own->peer.last_handshake, handshake);
  EXPECT_EQ(own->peer.tx_bytes, 20u);
  const auto* foreign = Find(*list, 50);
  ASSERT_NE(foreign, nullptr);
  EXPECT_FALSE(foreign->own);
  EXPECT_FALSE(foreign->installed_for);
  EXPECT_FALSE(foreign->newest_timestamp);
}

TEST_F(PeerManagerListTest, LearnsAndForgetsForeignPeers) {
  Start();
  AddForeign(50, {"10.8.9.0/24"});
  EXPECT_FALSE(manager_->IsInstalled(TestKey(50)));
  ASSERT_TRUE(manager_->Refresh());
  EXPECT_TRUE(manager_->IsInstalled(TestKey(50)));
  EXPECT_FALSE(manager_->IsOwn(TestKey(50)));
  EXPECT_EQ(Outcome(1, {"10.8.9.1/32"}), PeerOutcome::kRefusedAddressTaken);
  AddForeign(50, {"10.8.10.0/24"});
  ASSERT_TRUE(manager_->Refresh());
  EXPECT_EQ(Outcome(1, {"10.8.9.1/32"}), PeerOutcome::kInstalled);
  EXPECT_EQ(Outcome(2, {"10.8.10.1/32"}), PeerOutcome::kRefusedAddressTaken);
  kernel_.RemoveBehindOurBack("wg0", TestKey(50));
  ASSERT_TRUE(manager_->Refresh());
  EXPECT_FALSE(manager_->IsInstalled(TestKey(50)));
  EXPECT_EQ(Outcome(2, {"10.8.10.1/32"}), PeerOutcome::kInstalled);
}

TEST_F(PeerManagerListTest, AnInterruptedListTellsNobodyGone) {
  AddForeign(50, {"10.8.9.0/24"});
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  kernel_.RemoveBehindOurBack("wg0", TestKey(1));
  kernel_.RemoveBehindOurBack("wg0", TestKey(50));
  kernel_.SetDumpInterrupted(true);
  const auto list = manager_->List();
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->interrupted);
  EXPECT_TRUE(manager_->IsOwn(TestKey(1)));
  EXPECT_TRUE(manager_->IsInstalled(TestKey(50)));
  kernel_.SetDumpInterrupted(false);
  ASSERT_TRUE(manager_->List());
  EXPECT_FALSE(manager_->IsInstalled(TestKey(1)));
  EXPECT_FALSE(manager_->IsInstalled(TestKey(50)));
}

TEST_F(PeerManagerListTest, AnInterruptedListTakesNoAddressFromAnybody) {
  AddForeign(50, {"10.8.9.0/24", "10.8.10.0/24"});
  Start();
  Install(Request(1, {"10.8.0.2/32", "10.8.0.3/32"}));
  // As the kernel does when a peer's addresses change while they are written out.
  kernel_.CutOffAddressesInDumps(1);
  kernel_.SetDumpInterrupted(true);
  ASSERT_TRUE(manager_->List());
  EXPECT_EQ(Outcome(2, {"10.8.10.1/32"}), PeerOutcome::kRefusedAddressTaken);
  EXPECT_EQ(Outcome(2, {"10.8.0.3/32"}), PeerOutcome::kRefusedAddressTaken);
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32", "10.8.0.3/32"}), PeerOutcome::kUpdated)
      << "not sure that it has them";
}

TEST_F(PeerManagerListTest, AfterManyInterruptedListsOneHoldsOurChangesBack) {
  Start();
  kernel_.SetDumpInterrupted(true);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(manager_->List());
  std::future<PeerOutcome> installation;
  kernel_.OnDump([this, &installation] {
    kernel_.OnDump(nullptr);
    installation = std::async(std::launch::async, [this] { return Outcome(1, {"10.8.0.2/32"}); });
    EXPECT_EQ(installation.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
    EXPECT_EQ(kernel_.peer_count("wg0"), 0u);
  });
  ASSERT_TRUE(manager_->List());
  EXPECT_EQ(installation.get(), PeerOutcome::kInstalled);
}

TEST_F(PeerManagerListTest, WhatWeChangeDuringAListIsNewerThanTheList) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  Install(Request(2, {"10.8.0.3/32"}));
  kernel_.OnDump([this] {
    kernel_.OnDump(nullptr);
    EXPECT_EQ(Remove(1), PeerOutcome::kRemoved);
    EXPECT_EQ(Outcome(2, {"10.8.0.4/32"}), PeerOutcome::kUpdated);
    EXPECT_EQ(Outcome(3, {"10.8.0.5/32"}), PeerOutcome::kInstalled);
  });
  const auto list = manager_->List();
  ASSERT_TRUE(list);
  EXPECT_EQ(Find(*list, 1), nullptr) << "removed meanwhile";
  EXPECT_FALSE(manager_->IsInstalled(TestKey(1))) << "it must not turn into a foreign peer";
  EXPECT_TRUE(manager_->IsOwn(TestKey(3))) << "it must not count as gone";
  EXPECT_EQ(Outcome(4, {"10.8.0.3/32"}), PeerOutcome::kInstalled) << "the old address is free";
  EXPECT_EQ(Outcome(5, {"10.8.0.4/32"}), PeerOutcome::kRefusedAddressTaken);
}

TEST_F(PeerManagerListTest, RepairsAPeerWhoseAddressWasTakenByHand) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  AddForeign(50, {"10.8.0.2/32"});
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kUnchanged) << "not known yet";
  AddForeign(50, {"10.8.0.2/32"});
  ASSERT_TRUE(manager_->List());
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kRefusedAddressTaken);
  kernel_.RemoveBehindOurBack("wg0", TestKey(50));
  ASSERT_TRUE(manager_->List());
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kUpdated);
  EXPECT_EQ(kernel_.Peer("wg0", TestKey(1))->allowed_ips, Prefixes({"10.8.0.2/32"}));
}

TEST_F(PeerManagerListTest, ARecreatedInterfaceHasNoPeersOfOurs) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  const auto info = kernel_.AddInterface("wg0", GeneratePrivateKey());
  AddForeign(50, {"10.8.9.0/24"});
  ASSERT_TRUE(manager_->OnDeviceChanged(info));
  EXPECT_EQ(manager_->own_count(), 0u);
  EXPECT_FALSE(manager_->IsInstalled(TestKey(1)));
  EXPECT_TRUE(manager_->IsInstalled(TestKey(50)));
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
  auto own = Request(3, {"10.8.0.7/32"});
  own.public_key = info.public_key;
  EXPECT_EQ(Install(std::move(own)).outcome, PeerOutcome::kRefusedOwnKey);
}

TEST_F(PeerManagerListTest, AnInterfaceRecreatedUnnoticedIsLeftAlone) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  const auto info = kernel_.AddInterface("wg0", GeneratePrivateKey());
  AddForeign(1, {"10.8.0.2/32"});
  const auto result = Install(Request(2, {"10.8.0.3/32"}));
  EXPECT_EQ(result.outcome, PeerOutcome::kFailed);
  EXPECT_EQ(result.error, ErrorCode::kNotFound);
  EXPECT_FALSE(kernel_.Peer("wg0", TestKey(2)));
  EXPECT_EQ(Remove(1), PeerOutcome::kFailed);
  EXPECT_TRUE(kernel_.Peer("wg0", TestKey(1))) << "it was made by hand";
  ASSERT_TRUE(manager_->OnDeviceChanged(info));
  EXPECT_EQ(Outcome(2, {"10.8.0.3/32"}), PeerOutcome::kInstalled);
  EXPECT_FALSE(manager_->IsOwn(TestKey(1)));
}

TEST_F(PeerManagerListTest, ARekeyedInterfaceKeepsItsPeers) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  const PrivateKey fresh = GeneratePrivateKey();
  kernel_.SetPrivateKey("wg0", fresh);
  ASSERT_TRUE(manager_->OnDeviceChanged(*kernel_.GetDevice("wg0")));
  EXPECT_TRUE(manager_->IsOwn(TestKey(1)));
  auto old_own_key = Request(3, {"10.8.0.7/32"});
  old_own_key.public_key = DerivePublicKey(key_);
  EXPECT_EQ(Install(std::move(old_own_key)).outcome, PeerOutcome::kInstalled);
}

TEST_F(PeerManagerListTest, AListAcrossARecreationIsAborted) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  AddForeign(50, {"10.8.9.0/24"});
  std::future<bool> changed;
  kernel_.OnDump([this, &changed] {
    kernel_.OnDump(nullptr);
    kernel_.AddInterface("wg0", GeneratePrivateKey());
    // In a thread: its own reading waits until this list has ended.
    changed = std::async(std::launch::async, [this] {
      return manager_->OnDeviceChanged(*kernel_.GetDevice("wg0")).has_value();
    });
    while (manager_->own_count() != 0) std::this_thread::yield();
  });
  const auto list = manager_->List();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, ErrorCode::kAborted);
  EXPECT_TRUE(changed.get());
  EXPECT_FALSE(manager_->IsInstalled(TestKey(50))) << "it was on the old interface";
}

TEST_F(PeerManagerListTest, AFailedListChangesNothing) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  kernel_.FailEverything(EPERM);
  const auto list = manager_->List();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE(manager_->IsOwn(TestKey(1)));
}

}  // namespace
}  // namespace jitwg::testing
