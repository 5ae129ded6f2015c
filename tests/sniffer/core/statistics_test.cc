#include "sniffer/statistics.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace jitwg::sniffer {
namespace {

TEST(Statistics, EveryResultHasALabelOfItsOwn) {
  std::set<std::string> labels;
  for (std::size_t i = 0; i < kInitiationResults; ++i) {
    const std::string label(ToString(static_cast<InitiationResult>(i)));
    EXPECT_FALSE(label.empty());
    labels.insert(label);
  }
  EXPECT_EQ(labels.size(), kInitiationResults);
}

TEST(Statistics, LabelsAreThoseOfTheReasons) {
  EXPECT_EQ(ToString(InitiationResult::kMalformed), "malformed");
  EXPECT_EQ(ToString(InitiationResult::kBadMac1), "bad_mac1");
  EXPECT_EQ(ToString(InitiationResult::kBadTimestamp), "bad_timestamp");
  EXPECT_EQ(ToString(InitiationResult::kReplayed), "replayed");
  EXPECT_EQ(ToString(InitiationResult::kAuthenticated), "authenticated");
}

TEST(Statistics, CountsEachResultApart) {
  Statistics statistics;
  statistics.Count(InitiationResult::kBadMac1);
  statistics.Count(InitiationResult::kBadMac1);
  statistics.Count(InitiationResult::kDuplicate);
  EXPECT_EQ(statistics.Get(InitiationResult::kBadMac1), 2U);
  EXPECT_EQ(statistics.Get(InitiationResult::kDuplicate), 1U);
  EXPECT_EQ(statistics.Get(InitiationResult::kAuthenticated), 0U);
}

}  // namespace
}  // namespace jitwg::sniffer
