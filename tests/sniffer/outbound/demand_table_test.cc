#include "sniffer/outbound/demand_table.h"

#include <gtest/gtest.h>

namespace jitwg::sniffer {
namespace {

using std::chrono_literals::operator""s;

const SteadyTime kStart = SteadyTime(std::chrono::hours(100));

DemandTable::Entry EntryAt(SteadyTime when) { return {"wg0", *IpAddress::Parse("10.8.0.2"), when}; }

TEST(DemandTableTest, ADemandServesOnce) {
  DemandTable table;
  const std::uint64_t id = table.Add(EntryAt(kStart));
  EXPECT_NE(id, 0U);
  const auto taken = table.Take(id, kStart + 1s);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->interface, "wg0");
  EXPECT_EQ(taken->destination.ToString(), "10.8.0.2");
  EXPECT_FALSE(table.Take(id, kStart + 1s));
}

TEST(DemandTableTest, AnOldOrUnknownDemandServesNobody) {
  DemandTable table(8, 30s);
  const std::uint64_t id = table.Add(EntryAt(kStart));
  EXPECT_FALSE(table.Take(id, kStart + 31s));
  EXPECT_FALSE(table.Take(0, kStart));
  EXPECT_FALSE(table.Take(id + 1, kStart));
}

TEST(DemandTableTest, TheOldestIsForgottenForANewOne) {
  DemandTable table(2);
  const std::uint64_t first = table.Add(EntryAt(kStart));
  const std::uint64_t second = table.Add(EntryAt(kStart));
  const std::uint64_t third = table.Add(EntryAt(kStart));
  EXPECT_FALSE(table.Take(first, kStart));
  EXPECT_TRUE(table.Take(second, kStart));
  EXPECT_TRUE(table.Take(third, kStart));
}

}  // namespace
}  // namespace jitwg::sniffer
