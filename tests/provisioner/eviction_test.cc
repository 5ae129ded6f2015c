#include "provisioner/eviction.h"

#include <gtest/gtest.h>

#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::seconds;

const SteadyTime kNow{std::chrono::hours(100)};
const EvictionLimits kLimits{.idle = seconds(300), .unfinished = seconds(15), .max_peers = 0};

EvictionCandidate Live(std::uint16_t number) {
  return {.public_key = Key(number),
          .own = true,
          .known = true,
          .completed = true,
          .installed_at = kNow - seconds(1000),
          .last_activity = kNow - seconds(10)};
}

struct Row {
  const char* name;
  void (*change)(EvictionCandidate&);
  std::optional<EvictionReason> reason;
};

class EvictionRules : public ::testing::TestWithParam<Row> {};

TEST_P(EvictionRules, Hold) {
  EvictionCandidate candidate = Live(1);
  GetParam().change(candidate);
  std::vector<EvictionChoice> expected;
  if (GetParam().reason) expected.push_back({Key(1), *GetParam().reason});
  EXPECT_EQ(SelectEvictions({candidate}, kLimits, kNow), expected);
}

void Idle(EvictionCandidate& c) { c.last_activity = kNow - seconds(301); }
void Unfinished(EvictionCandidate& c) {
  c.completed = false;
  c.installed_at = kNow - seconds(16);
}

INSTANTIATE_TEST_SUITE_P(
    Table, EvictionRules,
    ::testing::Values(Row{"live_stays", [](EvictionCandidate&) {}, std::nullopt},
                      Row{"idle_goes", Idle, EvictionReason::kIdle},
                      Row{"just_at_the_idle_limit_stays",
                          [](EvictionCandidate& c) { c.last_activity = kNow - seconds(300); },
                          std::nullopt},
                      Row{"unfinished_goes", Unfinished, EvictionReason::kUnfinished},
                      Row{"unfinished_although_it_sends",
                          [](EvictionCandidate& c) {
                            Unfinished(c);
                            c.last_activity = kNow;
                          },
                          EvictionReason::kUnfinished},
                      Row{"just_at_the_unfinished_limit_stays",
                          [](EvictionCandidate& c) {
                            Unfinished(c);
                            c.installed_at = kNow - seconds(15);
                          },
                          std::nullopt},
                      Row{"silent_between_two_tries_stays_until_the_unfinished_limit",
                          [](EvictionCandidate& c) {
                            Unfinished(c);
                            c.installed_at = kNow - seconds(15);
                            Idle(c);
                          },
                          std::nullopt},
                      Row{"foreign_stays_when_idle",
                          [](EvictionCandidate& c) {
                            Idle(c);
                            c.own = false;
                          },
                          std::nullopt},
                      Row{"foreign_stays_when_expired",
                          [](EvictionCandidate& c) {
                            c.expired = true;
                            c.own = false;
                          },
                          std::nullopt},
                      Row{"pinned_stays_when_idle",
                          [](EvictionCandidate& c) {
                            Idle(c);
                            c.pinned = true;
                          },
                          std::nullopt},
                      Row{"pinned_stays_when_unfinished",
                          [](EvictionCandidate& c) {
                            Unfinished(c);
                            c.pinned = true;
                          },
                          std::nullopt},
                      Row{"pinned_goes_when_expired",
                          [](EvictionCandidate& c) {
                            c.pinned = true;
                            c.expired = true;
                          },
                          EvictionReason::kRevoked},
                      Row{"of_unknown_record_stays",
                          [](EvictionCandidate& c) {
                            Idle(c);
                            c.known = false;
                          },
                          std::nullopt}),
    [](const auto& info) { return info.param.name; });

TEST(Eviction, AboveTheCapTheLongestIdleGo) {
  EvictionLimits limits = kLimits;
  limits.max_peers = 2;
  std::vector<EvictionCandidate> peers = {Live(1), Live(2), Live(3), Live(4)};
  peers[1].last_activity = kNow - seconds(200);
  peers[3].last_activity = kNow - seconds(100);
  EXPECT_EQ(SelectEvictions(peers, limits, kNow),
            (std::vector<EvictionChoice>{{Key(2), EvictionReason::kOverCap},
                                         {Key(4), EvictionReason::kOverCap}}));
}

TEST(Eviction, TheCapCountsOnlyWhatStaysAndIsOurs) {
  EvictionLimits limits = kLimits;
  limits.max_peers = 2;
  std::vector<EvictionCandidate> peers = {Live(1), Live(2), Live(3), Live(4)};
  Idle(peers[0]);
  peers[1].own = false;
  EXPECT_EQ(SelectEvictions(peers, limits, kNow),
            (std::vector<EvictionChoice>{{Key(1), EvictionReason::kIdle}}));
}

TEST(Eviction, TheCapNeverTakesPinnedPeers) {
  EvictionLimits limits = kLimits;
  limits.max_peers = 1;
  std::vector<EvictionCandidate> peers = {Live(1), Live(2), Live(3)};
  peers[0].pinned = peers[1].pinned = true;
  peers[0].last_activity = kNow - seconds(299);
  EXPECT_EQ(SelectEvictions(peers, limits, kNow),
            (std::vector<EvictionChoice>{{Key(3), EvictionReason::kOverCap}}));
}

}  // namespace
}  // namespace jitwg::provisioner
