#include "provisioner/pinned_walk.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/provisioner/fake_registry.h"
#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

class PinnedWalkTest : public ::testing::Test {
 protected:
  PinnedWalkTest() {
    for (std::uint16_t i = 0; i < 250; ++i) {
      auto peer = MakePeer(i);
      peer.pinned = i != 5;
      EXPECT_TRUE(registry_.Put(peer, false));
    }
  }
  // Walks to the end; the keys seen.
  std::vector<PublicKey> All(PinnedWalk& walk) {
    std::vector<PublicKey> seen;
    while (true) {
      const auto page = walk.Next();
      EXPECT_TRUE(page);
      if (!page || page->empty()) return seen;
      for (const auto& peer : *page) seen.push_back(peer.public_key);
    }
  }

  HoldableRegistry registry_;
};

TEST_F(PinnedWalkTest, SeesEachPinnedPeerOnce) {
  PinnedWalk walk(registry_, "");
  EXPECT_EQ(All(walk).size(), 249U);
  EXPECT_TRUE(walk.TakeDamaged().empty());
}

TEST_F(PinnedWalkTest, StepsOverADamagedRowOnly) {
  for (const std::uint16_t damaged : std::array<std::uint16_t, 4>{0, 99, 100, 249}) {
    registry_.DamageRow(Key(damaged), true);
    PinnedWalk walk(registry_, "");
    EXPECT_EQ(All(walk).size(), 248U) << damaged;
    EXPECT_EQ(walk.TakeDamaged(), std::vector<PublicKey>{Key(damaged)});
    registry_.DamageRow(Key(damaged), false);
  }
}

TEST_F(PinnedWalkTest, ARegistryThatIsAwayIsAnError) {
  registry_.Fail(Error{ErrorCode::kUnavailable, "away"});
  PinnedWalk walk(registry_, "");
  EXPECT_FALSE(walk.Next());
}

}  // namespace
}  // namespace jitwg::provisioner
