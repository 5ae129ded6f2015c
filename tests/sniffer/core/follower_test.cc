#include "sniffer/follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/sniffer/core/gateway.h"
#include "tests/support/fake_packet_source.h"

namespace jitwg::sniffer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FollowerTest : public ::testing::Test {
 protected:
  void SetUp() override { gateway_.Serve("wg0", 1, 51820); }

  std::unique_ptr<Follower> Follow(FollowerOptions options) {
    return std::make_unique<Follower>(gateway_.interfaces, std::vector<PacketSource*>{&source_},
                                      statistics_, options);
  }

  void WaitForPorts(const std::vector<std::uint16_t>& ports) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (source_.ports() != ports && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    EXPECT_EQ(source_.ports(), ports);
  }

  Gateway gateway_;
  Statistics statistics_;
  test::FakePacketSource source_;
};

TEST_F(FollowerTest, TheFirstReadingSetsTheFilter) {
  Follow({})->ReadAgain();
  EXPECT_THAT(source_.ports(), ElementsAre(51820));
}

TEST_F(FollowerTest, AChangedPortChangesTheFilter) {
  const auto follower = Follow({});
  follower->ReadAgain();
  gateway_.kernel.SetListenPort("wg0", 4242);
  follower->ReadAgain();
  EXPECT_THAT(source_.ports(), ElementsAre(4242));
  gateway_.kernel.RemoveInterface("wg0");
  follower->ReadAgain();
  EXPECT_THAT(source_.ports(), IsEmpty());
}

TEST_F(FollowerTest, AFilterThatCouldNotBeSetIsTriedAgain) {
  const auto follower = Follow({});
  source_.FailSetPorts(Error{ErrorCode::kUnavailable, "down"});
  follower->ReadAgain();
  EXPECT_THAT(source_.ports(), IsEmpty());
  source_.FailSetPorts(std::nullopt);
  follower->ReadAgain();
  EXPECT_THAT(source_.ports(), ElementsAre(51820));
}

TEST_F(FollowerTest, ANudgeReadsWithoutWaitingForThePoll) {
  const auto follower = Follow({std::chrono::minutes(10), 8});
  follower->ReadAgain();
  follower->Start();
  gateway_.kernel.SetListenPort("wg0", 4242);
  follower->Nudge();
  WaitForPorts({4242});
}

TEST_F(FollowerTest, ABurstOfMac1FailuresReads) {
  const auto follower = Follow({std::chrono::minutes(10), 8});
  follower->ReadAgain();
  follower->Start();
  gateway_.kernel.SetListenPort("wg0", 4242);
  for (int i = 0; i < 8; ++i) statistics_.Count(InitiationResult::kBadMac1);
  WaitForPorts({4242});
}

TEST_F(FollowerTest, ThePollReadsByItself) {
  const auto follower = Follow({std::chrono::milliseconds(10), 8});
  follower->ReadAgain();
  follower->Start();
  gateway_.kernel.SetListenPort("wg0", 4242);
  WaitForPorts({4242});
}

}  // namespace
}  // namespace jitwg::sniffer
