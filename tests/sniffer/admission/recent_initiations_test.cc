#include "sniffer/admission/recent_initiations.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace jitwg::sniffer {
namespace {

using namespace std::chrono_literals;
using Packet = std::array<std::uint8_t, 148>;

constexpr SteadyTime kStart{1000s};

Packet MakePacket(std::uint64_t number) {
  std::mt19937_64 random(number);
  Packet packet{};
  for (std::uint8_t& byte : packet) byte = static_cast<std::uint8_t>(random());
  return packet;
}

TEST(RecentInitiations, SeesACopyButNotAnotherPacket) {
  RecentInitiations recent;
  EXPECT_FALSE(recent.SeenJustNow(MakePacket(1), kStart));
  EXPECT_FALSE(recent.SeenJustNow(MakePacket(2), kStart));
  EXPECT_TRUE(recent.SeenJustNow(MakePacket(1), kStart));
  EXPECT_TRUE(recent.SeenJustNow(MakePacket(2), kStart + 1s));
}

TEST(RecentInitiations, EveryByteButMac2Counts) {
  RecentInitiations recent;
  const Packet original = MakePacket(1);
  EXPECT_FALSE(recent.SeenJustNow(original, kStart));
  for (std::size_t at = 0; at < original.size(); ++at) {
    Packet changed = original;
    changed[at] ^= 0x40;
    EXPECT_EQ(recent.SeenJustNow(changed, kStart), at >= 132) << at;
  }
}

TEST(RecentInitiations, ForgetsAfterTheWindowHoweverOftenItIsRepeated) {
  RecentInitiations recent({.capacity = 64, .window = 3000ms});
  const Packet packet = MakePacket(1);
  EXPECT_FALSE(recent.SeenJustNow(packet, kStart));
  for (auto after = 100ms; after < 3000ms; after += 100ms) {
    EXPECT_TRUE(recent.SeenJustNow(packet, kStart + after));
  }
  EXPECT_FALSE(recent.SeenJustNow(packet, kStart + 3s));
  EXPECT_TRUE(recent.SeenJustNow(packet, kStart + 5999ms));
  EXPECT_FALSE(recent.SeenJustNow(packet, kStart + 6s));
}

TEST(RecentInitiations, AClockSetBackMakesOldEntriesWorthless) {
  RecentInitiations recent;
  const Packet packet = MakePacket(1);
  EXPECT_FALSE(recent.SeenJustNow(packet, kStart));
  EXPECT_FALSE(recent.SeenJustNow(packet, kStart - 1h));
  EXPECT_TRUE(recent.SeenJustNow(packet, kStart - 1h + 1s));
}

TEST(RecentInitiations, WorksFromTheClocksZeroAndBefore) {
  RecentInitiations recent;
  EXPECT_FALSE(recent.SeenJustNow(MakePacket(1), SteadyTime{}));
  EXPECT_TRUE(recent.SeenJustNow(MakePacket(1), SteadyTime{1ms}));
  EXPECT_FALSE(recent.SeenJustNow(MakePacket(2), SteadyTime{-5s}));
}

TEST(RecentInitiations, KeepsTheNewestWhenASetIsFull) {
  RecentInitiations recent({.capacity = 8, .window = 3000ms});  // one set
  for (std::uint64_t number = 0; number < 9; ++number) {
    EXPECT_FALSE(recent.SeenJustNow(MakePacket(number), kStart + number * 1ms));
  }
  for (std::uint64_t number = 8; number >= 1; --number) {
    EXPECT_TRUE(recent.SeenJustNow(MakePacket(number), kStart + 10ms)) << number;
  }
  EXPECT_FALSE(recent.SeenJustNow(MakePacket(0), kStart + 10ms));
}

TEST(RecentInitiations, MemoryIsFixedAndHoldsAboutItsCapacity) {
  RecentInitiations recent({.capacity = 1000, .window = 3000ms});  // becomes 1024
  const std::size_t before = recent.memory_bytes();
  EXPECT_GE(before, 1024U * 16);
  EXPECT_LT(before, 1024U * 16 + 256);
  for (std::uint64_t number = 0; number < 20000; ++number) {
    recent.SeenJustNow(MakePacket(number), kStart);
  }
  EXPECT_EQ(recent.memory_bytes(), before);
}

TEST(RecentInitiations, RemembersHalfItsCapacityAlmostWithoutLoss) {
  RecentInitiations recent({.capacity = 4096, .window = 3000ms});
  for (std::uint64_t number = 0; number < 2048; ++number) {
    recent.SeenJustNow(MakePacket(number), kStart);
  }
  int lost = 0;
  for (std::uint64_t number = 0; number < 2048; ++number) {
    if (!recent.SeenJustNow(MakePacket(number), kStart + 1ms)) ++lost;
  }
  EXPECT_LT(lost, 2048 / 10);
}

TEST(RecentInitiations, ToleratesShortPackets) {
  RecentInitiations recent;
  EXPECT_FALSE(recent.SeenJustNow({}, kStart));
  EXPECT_TRUE(recent.SeenJustNow({}, kStart));
}

}  // namespace
}  // namespace jitwg::sniffer
