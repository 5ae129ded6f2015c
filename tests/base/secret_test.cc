#include "lib/base/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <ostream>
#include <sstream>
#include <type_traits>
#include <utility>

namespace jitwg {
namespace {

using Secret32 = Secret<32>;

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!std::is_copy_constructible_v<Secret32>);
static_assert(!std::is_copy_assignable_v<Secret32>);
static_assert(std::is_nothrow_move_constructible_v<Secret32>);
static_assert(std::is_nothrow_move_assignable_v<Secret32>);
static_assert(!std::is_convertible_v<Secret32, std::array<std::uint8_t, 32>>);
static_assert(!Printable<Secret32>);

std::array<std::uint8_t, 32> Filled(std::uint8_t fill) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(fill);
  return bytes;
}

TEST(SecretTest, StartsAllZero) { EXPECT_TRUE(Secret32().IsZero()); }

TEST(SecretTest, CopyOfTakesTheBytes) {
  const auto bytes = Filled(7);
  const Secret32 secret = Secret32::CopyOf(bytes);
  EXPECT_FALSE(secret.IsZero());
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), secret.bytes().begin()));
}

TEST(SecretTest, CloneIsEqualAndApart) {
  Secret32 secret = Secret32::CopyOf(Filled(7));
  const Secret32 clone = secret.Clone();
  EXPECT_TRUE(clone == secret);
  secret.Wipe();
  EXPECT_TRUE(clone == Secret32::CopyOf(Filled(7)));
}

TEST(SecretTest, EveryByteCountsInComparison) {
  const Secret32 secret = Secret32::CopyOf(Filled(7));
  for (std::size_t i = 0; i < 32; ++i) {
    Secret32 other = secret.Clone();
    other.mutable_bytes()[i] ^= 0x80;
    EXPECT_FALSE(other == secret) << i;
  }
}

TEST(SecretTest, MovingLeavesZerosBehind) {
  Secret32 first = Secret32::CopyOf(Filled(7));
  Secret32 second = std::move(first);
  // What is left behind is the point.
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  EXPECT_TRUE(first.IsZero());
  Secret32 third;
  third = std::move(second);
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  EXPECT_TRUE(second.IsZero());
  EXPECT_TRUE(third == Secret32::CopyOf(Filled(7)));
}

TEST(SecretTest, MovingToItselfKeepsTheBytes) {
  Secret32 secret = Secret32::CopyOf(Filled(7));
  Secret32& same = secret;
  secret = std::move(same);
  EXPECT_TRUE(secret == Secret32::CopyOf(Filled(7)));
}

TEST(SecretTest, DyingWipesTheMemory) {
  // The memory stays ours after the object has died, so reading it is allowed.
  alignas(Secret32) std::array<std::uint8_t, sizeof(Secret32)> memory;
  memory.fill(0xff);
  Secret32* const secret = new (memory.data()) Secret32;
  const auto bytes = Filled(7);
  std::copy(bytes.begin(), bytes.end(), secret->mutable_bytes().begin());
  EXPECT_EQ(memory[0], 7);
  std::destroy_at(secret);
  EXPECT_TRUE(std::all_of(memory.begin(), memory.end(), [](auto byte) { return byte == 0; }));
}

}  // namespace
}  // namespace jitwg
