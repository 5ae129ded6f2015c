#include "provisioner/decisions.h"

#include <gtest/gtest.h>

#include <set>

#include "provisioner/backoff.h"
#include "provisioner/log_limiter.h"
#include "provisioner/log_text.h"
#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

Decision MakeDecision(Verdict verdict) {
  Decision decision;
  decision.verdict = verdict;
  return decision;
}

TEST(DecisionHub, CountsEveryVerdictUnderAName) {
  DecisionHub hub;
  std::set<std::string> names;
  for (std::size_t i = 0; i < kVerdicts; ++i) hub.Publish(MakeDecision(static_cast<Verdict>(i)));
  for (const auto& [name, count] : hub.Decisions()) {
    EXPECT_EQ(count, 1U) << name;
    names.insert(name);
  }
  EXPECT_EQ(names.size(), kVerdicts);
  EXPECT_TRUE(names.contains("registry_unavailable"));
}

TEST(DecisionHub, ASlowWatcherLosesTheOldestAndIsTold) {
  DecisionHub hub({.queue_capacity = 2, .max_watchers = 1});
  const auto watcher = hub.fan().Add({}, [] {});
  ASSERT_TRUE(watcher);
  for (int i = 0; i < 5; ++i) hub.Publish(MakeDecision(Verdict::kReplay));
  const auto delivery = (*watcher)->Next();
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->dropped_before, 3U);
  EXPECT_FALSE(hub.fan().Add({}, [] {}));
}

TEST(DecisionHub, EvictionsAreCountedByReason) {
  DecisionHub hub;
  hub.Publish(EvictionNotice{{}, {"wg0", Key(1)}, EvictionReason::kOverCap});
  EXPECT_EQ(hub.Evictions().at("over_cap"), 1U);
  EXPECT_EQ(hub.Evictions().at("idle"), 0U);
}

TEST(Backoff, DoublesUpToItsLimitWithJitter) {
  using std::chrono::milliseconds;
  Backoff backoff(milliseconds(100), milliseconds(5000), 1);
  for (const int whole : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
    const auto wait = backoff.Next();
    EXPECT_GE(wait, milliseconds(whole / 2));
    EXPECT_LE(wait, milliseconds(whole));
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(), milliseconds(100));
}

TEST(LogLimiter, AllowsAKeyOnceAMinuteAndOnlySoManyKeys) {
  LogLimiter limiter(2);
  SteadyTime now{std::chrono::hours(1)};
  EXPECT_TRUE(limiter.Allow(Key(1), now));
  EXPECT_FALSE(limiter.Allow(Key(1), now));
  EXPECT_TRUE(limiter.Allow(Key(2), now));
  EXPECT_FALSE(limiter.Allow(Key(3), now));
  now += std::chrono::seconds(60);
  EXPECT_TRUE(limiter.Allow(Key(1), now));
  EXPECT_TRUE(limiter.Allow(Key(3), now));
}

TEST(LogText, KeepsALineALine) {
  EXPECT_EQ(LogText("a\"b\\c\nd\x1b"), "a?b?c?d?");
  EXPECT_EQ(LogText(std::string(1000, 'x')).size(), 160U);
}

}  // namespace
}  // namespace jitwg::provisioner
