// The coordinator's promises: one look-up for each key, bounds, replay, and nothing kept of
// strangers.
#include "provisioner/coordinator.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/provisioner/fake_clock.h"
#include "tests/provisioner/fake_registry.h"
#include "tests/provisioner/fake_sniffer_link.h"
#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

const Error kAway{ErrorCode::kUnavailable, "away"};

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
  void Start(CoordinatorOptions options = {}) {
    coordinator_ = std::make_unique<Coordinator>(
        CoordinatorParts{clock_, link_, registry_, *replay_, book_, interfaces_, decisions_},
        options, [this](const PublicKey& key) { rechecked_.push_back(key); });
  }
  // Waits for everything under way; there is no coordinator afterwards.
  void Stop() {
    registry_.Release();
    link_.ReleaseInstalls();
    coordinator_.reset();
  }
  void Restart() {
    Stop();
    OpenReplay();
    Start();
  }
  void WaitUntilLanded() {
    while (coordinator_->in_flight() != 0) std::this_thread::yield();
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  FakeSnifferLink link_;
  HoldableRegistry registry_;
  std::unique_ptr<ReplayMemory> replay_;
  PeerBook book_;
  InterfaceTable interfaces_;
  DecisionHub decisions_;
  std::vector<PublicKey> rechecked_;
  std::unique_ptr<Coordinator> coordinator_;
};

TEST_F(CoordinatorTest, InstallsARegisteredKeyWithItsInitiation) {
  ASSERT_TRUE(registry_.Put(MakePeer(1), false));
  Start();
  coordinator_->OnEvent(MakeEvent(1, 0, 77));
  Stop();
  const auto calls = link_.install_calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].interface, "wg0");
  EXPECT_EQ(calls[0].initiation_ids, std::vector<std::uint64_t>{77});
  EXPECT_TRUE(link_.HasPeer("wg0", Key(1)));
  EXPECT_TRUE(book_.Contains({"wg0", Key(1)}));
  EXPECT_EQ(decisions_.Count(Verdict::kInstalled), 1U);
}

}  // namespace
}  // namespace jitwg::provisioner
