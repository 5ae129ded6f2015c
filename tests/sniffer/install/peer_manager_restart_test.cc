// What PeerManager owns after a restart or a crash of the sniffer.
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/sniffer/install/manager_fixture.h"
#include "tests/sniffer/install/temp_folder.h"

namespace jitwg::testing {
namespace {

using sniffer::PeerOutcome;

class PeerManagerRestartTest : public PeerManagerFixture {
 protected:
  PeerManagerRestartTest() { journal_path_ = folder_ / "wg0.own"; }
  std::string ReadJournal() const {
    std::ifstream file(journal_path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  TempFolder folder_;
};

TEST_F(PeerManagerRestartTest, OwnPeersStayOwnAndForeignStayForeign) {
  AddForeign(50, {"10.8.9.0/24"});
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  Install(Request(2, {"10.8.0.3/32"}));
  EXPECT_EQ(Remove(2), PeerOutcome::kRemoved);
  AddForeign(2, {"10.8.0.3/32"});
  clock_.Advance(std::chrono::seconds(60));
  Start();
  EXPECT_TRUE(manager_->IsOwn(TestKey(1)));
  EXPECT_FALSE(manager_->IsOwn(TestKey(2))) << "we removed it, somebody else added it";
  EXPECT_FALSE(manager_->IsOwn(TestKey(50)));
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kUnchanged);
  EXPECT_EQ(Outcome(3, {"10.8.0.2/32"}), PeerOutcome::kRefusedAddressTaken);
  const auto list = manager_->List();
  ASSERT_TRUE(list);
  EXPECT_EQ(Find(*list, 1)->installed_for, std::chrono::seconds(60));
  EXPECT_EQ(Remove(1), PeerOutcome::kRemoved);
}

TEST_F(PeerManagerRestartTest, APresharedKeyIsSetAgainOnce) {
  Start();
  const auto request = [] {
    auto made = Request(1, {"10.8.0.2/32"});
    made.preshared_key = PresharedKey::CopyOf(TestKey(99).bytes);
    return made;
  };
  Install(request());
  const PublicKey secret = TestKey(99);
  const std::string as_bytes(secret.bytes.begin(), secret.bytes.end());
  EXPECT_EQ(ReadJournal().find(as_bytes), std::string::npos);
  Start();
  EXPECT_EQ(Install(request()).outcome, PeerOutcome::kUpdated) << "the old one is not known";
  EXPECT_EQ(Install(request()).outcome, PeerOutcome::kUnchanged);
}

TEST_F(PeerManagerRestartTest, ACrashBeforeTheKernelChangeClaimsNothing) {
  Start();
  std::string at_the_crash;
  kernel_.OnApply([&] { at_the_crash = ReadJournal(); });
  Install(Request(1, {"10.8.0.2/32"}));
  kernel_.OnApply(nullptr);
  manager_.reset();
  // The journal was ahead; the kernel never got the peer.
  std::ofstream(journal_path_, std::ios::binary) << at_the_crash;
  kernel_.RemoveBehindOurBack("wg0", TestKey(1));
  Start();
  EXPECT_EQ(manager_->own_count(), 0u);
  AddForeign(1, {"10.8.0.2/32"});
  Start();
  EXPECT_FALSE(manager_->IsOwn(TestKey(1)));
}

TEST_F(PeerManagerRestartTest, ACrashAfterTheKernelChangeKeepsThePeerOurs) {
  Start();
  std::string at_the_crash;
  kernel_.OnApply([&] { at_the_crash = ReadJournal(); });
  Install(Request(1, {"10.8.0.2/32"}));
  kernel_.OnApply(nullptr);
  manager_.reset();
  std::ofstream(journal_path_, std::ios::binary) << at_the_crash;
  Start();
  EXPECT_TRUE(manager_->IsOwn(TestKey(1)));
}

TEST_F(PeerManagerRestartTest, AFailedInstallationIsNotRemembered) {
  Start();
  kernel_.FailKey(TestKey(1), ENOMEM);
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kFailed);
  kernel_.ClearFaults();
  AddForeign(1, {"10.8.0.2/32"});
  Start();
  EXPECT_FALSE(manager_->IsOwn(TestKey(1)));
}

TEST_F(PeerManagerRestartTest, ARecreatedInterfaceIsNoticedAtTheStart) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  manager_.reset();
  kernel_.AddInterface("wg0", key_);
  AddForeign(1, {"10.8.0.2/32"});
  Start();
  EXPECT_FALSE(manager_->IsOwn(TestKey(1)));
}

TEST_F(PeerManagerRestartTest, ARecreatedInterfaceStartsItsJournalOver) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  ASSERT_TRUE(manager_->OnDeviceChanged(kernel_.AddInterface("wg0", key_)));
  Install(Request(2, {"10.8.0.3/32"}));
  AddForeign(1, {"10.8.0.2/32"});
  Start();
  EXPECT_TRUE(manager_->IsOwn(TestKey(2)));
  EXPECT_FALSE(manager_->IsOwn(TestKey(1)));
}

TEST_F(PeerManagerRestartTest, ARekeyedInterfaceKeepsItsPeersAcrossARestart) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  kernel_.SetPrivateKey("wg0", GeneratePrivateKey());
  ASSERT_TRUE(manager_->OnDeviceChanged(*kernel_.GetDevice("wg0")));
  Start();
  EXPECT_TRUE(manager_->IsOwn(TestKey(1)));
  manager_.reset();
  kernel_.SetPrivateKey("wg0", GeneratePrivateKey());
  Start();
  EXPECT_TRUE(manager_->IsOwn(TestKey(1))) << "rekeyed while the sniffer was away";
}

TEST_F(PeerManagerRestartTest, WhatCannotBeRememberedIsNotInstalled) {
  Start();
  // A limit on the size of files stands in for a full disk.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit full = before;
  full.rlim_cur = std::filesystem::file_size(journal_path_) + 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto result = Install(Request(1, {"10.8.0.2/32"}));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(result.outcome, PeerOutcome::kFailed);
  EXPECT_EQ(kernel_.peer_count("wg0"), 0u);
  EXPECT_EQ(manager_->own_count(), 0u);
  EXPECT_EQ(Outcome(1, {"10.8.0.2/32"}), PeerOutcome::kInstalled);
}

TEST_F(PeerManagerRestartTest, ADamagedJournalMakesAllPeersForeign) {
  Start();
  Install(Request(1, {"10.8.0.2/32"}));
  manager_.reset();
  std::string damaged = ReadJournal();
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  std::ofstream(journal_path_, std::ios::binary) << damaged;
  Start();
  EXPECT_FALSE(manager_->IsOwn(TestKey(1)));
  EXPECT_EQ(Remove(1), PeerOutcome::kRefusedForeign);
}

}  // namespace
}  // namespace jitwg::testing
