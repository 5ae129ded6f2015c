#include "sniffer/hold/hold_deadline.h"

#include <gtest/gtest.h>

namespace jitwg::sniffer {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart{100s};

TEST(HoldDeadline, NothingIsOverdueBeforeItsTime) {
  HoldDeadline deadline(500ms);
  EXPECT_EQ(deadline.Next(), std::nullopt);
  EXPECT_EQ(deadline.TakeOverdue(kStart), std::nullopt);
  deadline.Note(1, kStart);
  EXPECT_EQ(deadline.TakeOverdue(kStart + 499ms), std::nullopt);
  ASSERT_TRUE(deadline.Next());
  EXPECT_LE(*deadline.Next(), kStart + 500ms + HoldDeadline::kInterval);
}

TEST(HoldDeadline, NoPacketIsLetGoEarlyOrMuchTooLate) {
  HoldDeadline deadline(500ms);
  deadline.Note(1, kStart);
  deadline.Note(2, kStart + 9ms);
  deadline.Note(3, kStart + 300ms);
  EXPECT_EQ(deadline.TakeOverdue(kStart + 508ms), std::nullopt);
  EXPECT_EQ(deadline.TakeOverdue(kStart + 510ms), 2U);
  EXPECT_EQ(deadline.TakeOverdue(kStart + 510ms), std::nullopt);
  EXPECT_EQ(deadline.TakeOverdue(kStart + 809ms), std::nullopt);
  EXPECT_EQ(deadline.TakeOverdue(*deadline.Next()), 3U);
  EXPECT_EQ(deadline.Next(), std::nullopt);
}

TEST(HoldDeadline, AReaderThatWasAwayLetsAllGoAtOnce) {
  HoldDeadline deadline(50ms);
  for (std::uint32_t id = 1; id <= 1000; ++id) deadline.Note(id, kStart + id * 1ms);
  EXPECT_EQ(deadline.TakeOverdue(kStart + 10s), 1000U);
  EXPECT_EQ(deadline.Next(), std::nullopt);
}

TEST(HoldDeadline, NumbersMayWrap) {
  HoldDeadline deadline(50ms);
  deadline.Note(0xffffffff, kStart);
  deadline.Note(0, kStart + 1ms);
  EXPECT_EQ(deadline.TakeOverdue(kStart + 1s), 0U);
}

}  // namespace
}  // namespace jitwg::sniffer
