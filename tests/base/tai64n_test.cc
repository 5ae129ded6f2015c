#include "lib/base/tai64n.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "lib/base/key.h"

namespace jitwg {
namespace {

Tai64n StampOf(std::uint8_t fill) {
  Tai64n stamp;
  stamp.bytes.fill(fill);
  return stamp;
}

// As in the packet vectors, which come from an independent program.
TEST(Tai64nTest, FromUnixGivesTheKnownBytes) {
  EXPECT_EQ(ToHex(Tai64n::FromUnix(1'700'000'000, 123'456'789).bytes), "400000006553f10a075bcd15");
  EXPECT_EQ(ToHex(Tai64n::FromUnix(-11, 0).bytes), "3fffffffffffffff00000000");
}

TEST(Tai64nTest, UnixRoundTrip) {
  for (const std::int64_t seconds :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'700'000'000}, std::int64_t{1} << 40}) {
    const Tai64n stamp = Tai64n::FromUnix(seconds, 999'999'999);
    EXPECT_EQ(stamp.UnixSeconds(), seconds);
    EXPECT_EQ(stamp.Nanoseconds(), 999'999'999U);
  }
}

TEST(Tai64nTest, FromBytesTakesExactly12) {
  const std::vector<std::uint8_t> bytes(13, 0x40);
  const std::span<const std::uint8_t> all(bytes);
  EXPECT_TRUE(Tai64n::FromBytes(all.first(12)).has_value());
  EXPECT_FALSE(Tai64n::FromBytes(all.first(11)).has_value());
  EXPECT_FALSE(Tai64n::FromBytes(all).has_value());
}

TEST(Tai64nTest, OrderIsThatOfTheBytes) {
  EXPECT_LT(Tai64n::FromUnix(1, 999'999'999), Tai64n::FromUnix(2, 0));
  EXPECT_LT(Tai64n::FromUnix(2, 0), Tai64n::FromUnix(2, 1));
  EXPECT_LT(Tai64n::FromUnix(-1, 0), Tai64n::FromUnix(0, 0));
  EXPECT_LT(Tai64n::FromUnix(0, 0), StampOf(0xff));
  EXPECT_LT(StampOf(0x7f), StampOf(0x80));
}

TEST(Tai64nTest, PrintsUtc) {
  EXPECT_EQ(Tai64n::FromUnix(1'700'000'000, 123'456'789).ToUtc(), "2023-11-14T22:13:20.123456789Z");
  EXPECT_EQ(Tai64n::FromUnix(0, 0).ToUtc(), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(Tai64n::FromUnix(-1, 5).ToUtc(), "1969-12-31T23:59:59.000000005Z");
  EXPECT_EQ(Tai64n::FromUnix(-62'135'596'800, 0).ToUtc(), "0001-01-01T00:00:00.000000000Z");
  EXPECT_EQ(Tai64n::FromUnix(253'402'300'799, 0).ToUtc(), "9999-12-31T23:59:59.000000000Z");
}

TEST(Tai64nTest, WhatIsNoDateIsPrintedAsItsBytes) {
  for (const Tai64n& stamp :
       {StampOf(0x00), StampOf(0x7f), StampOf(0x80), StampOf(0xff),
        Tai64n::FromUnix(253'402'300'800, 0), Tai64n::FromUnix(-62'135'596'801, 0),
        Tai64n::FromUnix(1, 1'000'000'000)}) {
    EXPECT_EQ(stamp.ToUtc(), ToHex(stamp.bytes));
  }
}

}  // namespace
}  // namespace jitwg
