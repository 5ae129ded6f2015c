#include "sniffer/completion/completion.h"

#include <gtest/gtest.h>

namespace jitwg::sniffer {
namespace {

RememberedInitiation CapturedAt(SteadyTime when) {
  RememberedInitiation initiation;
  initiation.source = {IpAddress::Parse("192.0.2.7").value(), 40000, 0};
  initiation.captured_at = when;
  return initiation;
}

TEST(Completion, RetryLeavesThePeerWithoutEndpoint) {
  const CompletionHint hint = RetryCompletion().Prepare(CapturedAt({}), {});
  EXPECT_FALSE(hint.endpoint);
  EXPECT_FALSE(hint.kick);
}

TEST(Completion, InitiateCallsTheClientWhereItCalledFrom) {
  const SteadyTime now{};
  const CompletionHint hint = InitiateCompletion().Prepare(CapturedAt(now), now);
  ASSERT_TRUE(hint.endpoint);
  EXPECT_EQ(hint.endpoint->ToString(), "192.0.2.7:40000");
  EXPECT_TRUE(hint.kick);
}

TEST(Completion, InitiateNeverStartsLate) {
  const SteadyTime captured{};
  const auto latest = InitiateCompletion::kLatest;
  const InitiateCompletion initiate;
  EXPECT_TRUE(initiate.Prepare(CapturedAt(captured), captured + latest).kick);
  const CompletionHint late =
      initiate.Prepare(CapturedAt(captured), captured + latest + std::chrono::milliseconds(1));
  EXPECT_FALSE(late.kick);
  EXPECT_FALSE(late.endpoint);
}

}  // namespace
}  // namespace jitwg::sniffer
