#include "sniffer/completion/initiation_table.h"

#include <gtest/gtest.h>

namespace jitwg::sniffer {
namespace {

RememberedInitiation FromPort(std::uint16_t port) {
  RememberedInitiation initiation;
  initiation.source.port = port;
  return initiation;
}

TEST(InitiationTable, FindsWhatWasAdded) {
  InitiationTable table(4);
  const auto id = table.Add(FromPort(7));
  EXPECT_NE(id, 0U);
  ASSERT_TRUE(table.Find(id));
  EXPECT_EQ(table.Find(id)->source.port, 7);
}

TEST(InitiationTable, KnowsNothingOfIdsItNeverGave) {
  InitiationTable table(4);
  EXPECT_FALSE(table.Find(0));
  EXPECT_FALSE(table.Find(1));
  const auto id = table.Add(FromPort(1));
  EXPECT_FALSE(table.Find(id + 1));
  EXPECT_FALSE(table.Find(UINT64_MAX));
}

TEST(InitiationTable, ForgetsTheOldestWhenFull) {
  InitiationTable table(4);
  std::vector<std::uint64_t> ids;
  for (std::uint16_t port = 0; port < 10; ++port) ids.push_back(table.Add(FromPort(port)));
  for (std::size_t i = 0; i < 6; ++i) EXPECT_FALSE(table.Find(ids[i])) << i;
  for (std::size_t i = 6; i < 10; ++i) {
    ASSERT_TRUE(table.Find(ids[i])) << i;
    EXPECT_EQ(table.Find(ids[i])->source.port, i);
  }
}

}  // namespace
}  // namespace jitwg::sniffer
