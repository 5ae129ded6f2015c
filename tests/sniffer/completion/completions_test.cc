#include "sniffer/completion/completions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace jitwg::sniffer {
namespace {

using ::testing::HasSubstr;

class FakeInjector final : public PacketInjector {
 public:
  explicit FakeInjector(std::string_view name = "mirred", int* injected = nullptr)
      : name_(name), injected_(injected) {}
  std::string_view name() const override { return name_; }
  Status Inject(const OriginalPacket&) override {
    if (injected_ == nullptr) return Error{ErrorCode::kPermissionDenied, "firewall"};
    ++*injected_;
    return {};
  }

 private:
  std::string_view name_;
  int* injected_;
};

class CompletionsTest : public ::testing::Test {
 protected:
  Result<Completions> Choose(const std::string& wanted, CompletionMeans means) {
    return Completions::Choose(wanted, std::move(means), held_, copies_);
  }
  static CompletionMeans Means(const char* injector, bool can_hold) {
    CompletionMeans means;
    if (injector != nullptr) means.injector = std::make_unique<FakeInjector>(injector);
    means.can_hold = can_hold;
    if (injector == nullptr) means.injector_problem = "no sockets";
    if (!can_hold) means.hold_problem = "no queue";
    return means;
  }

  HeldInitiations held_;
  OwnCopies copies_;
};

TEST_F(CompletionsTest, AutoTakesTheBestThatWorks) {
  const auto mirred = Choose("auto", Means("mirred", true));
  ASSERT_TRUE(mirred);
  EXPECT_EQ(mirred->chosen(), CompletionKind::kReinject);
  EXPECT_EQ(mirred->description(), "reinject by mirred");
  EXPECT_EQ(Choose("auto", Means("raw", true))->chosen(), CompletionKind::kHold);
  EXPECT_EQ(Choose("auto", Means("raw", false))->description(), "reinject by raw");
  EXPECT_EQ(Choose("auto", Means(nullptr, true))->chosen(), CompletionKind::kHold);
  const auto none = Choose("auto", Means(nullptr, false));
  EXPECT_EQ(none->chosen(), CompletionKind::kInitiate);
  EXPECT_THAT(none->reason(), HasSubstr("no sockets"));
  EXPECT_THAT(none->reason(), HasSubstr("no queue"));
}

TEST_F(CompletionsTest, AStrategyThatDoesNotWorkHereIsRefusedWithItsReason) {
  const auto reinject = Choose("reinject", Means(nullptr, true));
  ASSERT_FALSE(reinject);
  EXPECT_EQ(reinject.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(reinject.error().message, HasSubstr("no sockets"));
  EXPECT_THAT(Choose("hold", Means("mirred", false)).error().message, HasSubstr("no queue"));
}

TEST_F(CompletionsTest, OnlyTheChosenOneBesideTheTwoThatAlwaysWork) {
  const auto initiate = Choose("initiate", Means("mirred", true));
  ASSERT_TRUE(initiate);
  EXPECT_FALSE(initiate->needs_packets());
  EXPECT_NE(initiate->Find(CompletionKind::kRetry), nullptr);
  EXPECT_NE(initiate->Find(CompletionKind::kInitiate), nullptr);
  EXPECT_EQ(initiate->Find(CompletionKind::kReinject), nullptr);
  EXPECT_EQ(initiate->Find(CompletionKind::kHold), nullptr);
  const auto hold = Choose("hold", Means("mirred", true));
  EXPECT_TRUE(hold->needs_packets());
  EXPECT_NE(hold->Find(CompletionKind::kHold), nullptr);
}

class ReinjectTest : public CompletionsTest {
 protected:
  RememberedInitiation Hold(std::uint64_t id) {
    const test::ByteVector frame = test::BuildFrame({}, test::FakeInitiation());
    const auto datagram = DecodeDatagram(frame, {LinkType::kEthernet, frame.size(), 3, true});
    RememberedInitiation initiation;
    initiation.id = id;
    initiation.captured_at = now_;
    held_.Add(id, "wg0", {}, now_, OriginalPacket(*datagram, nullptr));
    return initiation;
  }

  const SteadyTime now_{};
};

TEST_F(ReinjectTest, GivesTheKernelThePacketOnceAndKnowsItAgain) {
  int injected = 0;
  FakeInjector injector("mirred", &injected);
  const ReinjectCompletion reinject(held_, copies_, injector);
  const RememberedInitiation initiation = Hold(1);
  EXPECT_FALSE(reinject.Prepare(initiation, now_).endpoint);
  reinject.AfterInstall(initiation, now_);
  reinject.AfterInstall(initiation, now_);
  EXPECT_EQ(injected, 1);
  EXPECT_EQ(reinject.reinjected(), 1U);
  EXPECT_TRUE(copies_.Recognise(test::FakeInitiation(), now_));
}

TEST_F(ReinjectTest, NothingForAnInitiationThatWasSupersededOrIsLate) {
  int injected = 0;
  FakeInjector injector("mirred", &injected);
  const ReinjectCompletion reinject(held_, copies_, injector);
  const RememberedInitiation older = Hold(1);
  const RememberedInitiation newest = Hold(2);
  reinject.AfterInstall(older, now_);
  reinject.AfterInstall(newest, now_ + std::chrono::milliseconds(2001));
  EXPECT_EQ(injected, 0);
}

TEST_F(ReinjectTest, AFailureIsCounted) {
  FakeInjector injector("raw");
  const ReinjectCompletion reinject(held_, copies_, injector);
  reinject.AfterInstall(Hold(1), now_);
  EXPECT_EQ(reinject.failed(), 1U);
  EXPECT_EQ(reinject.reinjected(), 0U);
}

}  // namespace
}  // namespace jitwg::sniffer
