#include "provisioner/outbound_backoff.h"

#include <gtest/gtest.h>

#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

IpAddress Address(unsigned number) {
  return *IpAddress::Parse("10.0." + std::to_string(number >> 8) + "." +
                           std::to_string(number & 0xff));
}

class OutboundBackoffTest : public ::testing::Test {
 protected:
  const PeerId id_{"wg0", Key(1)};
  const IpAddress address_ = Address(1);
  SteadyTime now_ = SteadyTime(std::chrono::hours(100));
  OutboundBackoff backoff_;
};

TEST_F(OutboundBackoffTest, CallsInVainBecomeRarerUpToALimit) {
  for (const auto delay : {15s, 30s, 60s, 120s, 240s, 300s, 300s}) {
    EXPECT_FALSE(backoff_.Waits("wg0", address_, now_));
    backoff_.NoteCall(id_, address_, 0ms, now_);
    EXPECT_TRUE(backoff_.Waits("wg0", address_, now_ + delay - 1ms)) << delay.count();
    EXPECT_TRUE(backoff_.Waits(id_, Address(2), now_ + delay - 1ms));
    now_ += delay;
    EXPECT_FALSE(backoff_.Waits("wg0", address_, now_)) << delay.count();
    EXPECT_FALSE(backoff_.Waits(id_, Address(2), now_));
  }
}

TEST_F(OutboundBackoffTest, TheTimeThatThePeerIsInComesBeforeTheDelay) {
  backoff_.NoteCall(id_, address_, 15s, now_);
  EXPECT_TRUE(backoff_.Waits("wg0", address_, now_ + 29s));
  EXPECT_FALSE(backoff_.Waits("wg0", address_, now_ + 30s));
}

TEST_F(OutboundBackoffTest, AnotherAddressOfThePeerWaitsToo) {
  backoff_.NoteCall(id_, address_, 0ms, now_);
  EXPECT_FALSE(backoff_.Waits("wg0", Address(2), now_)) << "nobody knows yet whose it is";
  EXPECT_TRUE(backoff_.Waits(id_, Address(2), now_));
  EXPECT_TRUE(backoff_.Waits("wg0", Address(2), now_));
  EXPECT_FALSE(backoff_.Waits("wg1", Address(2), now_));
}

TEST_F(OutboundBackoffTest, ASignOfLifeEndsIt) {
  backoff_.NoteCall(id_, address_, 0ms, now_);
  backoff_.NoteCall(id_, address_, 0ms, now_);
  backoff_.Forget(id_);
  EXPECT_FALSE(backoff_.Waits("wg0", address_, now_));
  EXPECT_FALSE(backoff_.Knows(id_));
  backoff_.NoteCall(id_, address_, 0ms, now_);
  EXPECT_FALSE(backoff_.Waits("wg0", address_, now_ + 15s)) << "begins anew";
}

TEST_F(OutboundBackoffTest, APeerThatWasLongLeftAloneBeginsAnew) {
  for (int i = 0; i < 6; ++i) backoff_.NoteCall(id_, address_, 0ms, now_);
  now_ += 5min + 15min + 1s;
  backoff_.NoteCall(id_, address_, 0ms, now_);
  EXPECT_FALSE(backoff_.Waits("wg0", address_, now_ + 15s));
}

TEST_F(OutboundBackoffTest, AChangeOfTheRegistryMayMakeAnAddressSomebodys) {
  backoff_.NoteUnknown("wg0", address_, now_);
  backoff_.NoteCall({"wg0", Key(2)}, Address(2), 0ms, now_);
  EXPECT_TRUE(backoff_.Waits("wg0", address_, now_));
  backoff_.ForgetKey(Key(7));
  EXPECT_FALSE(backoff_.Waits("wg0", address_, now_));
  EXPECT_TRUE(backoff_.Waits("wg0", Address(2), now_)) << "nothing is known to have changed";
  backoff_.ForgetKey(Key(2));
  EXPECT_FALSE(backoff_.Waits("wg0", Address(2), now_));
  backoff_.NoteCall({"wg0", Key(2)}, Address(2), 0ms, now_);
  backoff_.ForgetKey(std::nullopt);
  EXPECT_FALSE(backoff_.Waits("wg0", Address(2), now_));
}

TEST_F(OutboundBackoffTest, AnAddressOfNobodyWaitsAMoment) {
  backoff_.NoteUnknown("wg0", address_, now_);
  EXPECT_TRUE(backoff_.Waits("wg0", address_, now_ + 5s - 1ms));
  EXPECT_FALSE(backoff_.Waits("wg0", address_, now_ + 5s));
}

TEST_F(OutboundBackoffTest, MemoryIsBoundedAndWhatIsOverMakesRoom) {
  OutboundBackoffLimits limits;
  limits.capacity = 8;
  OutboundBackoff small(limits);
  for (std::uint16_t i = 0; i < 100; ++i) {
    small.NoteUnknown("wg0", Address(i), now_);
    small.NoteCall({"wg0", Key(i)}, Address(1000U + i), 0ms, now_);
  }
  EXPECT_EQ(small.addresses(), 8U);
  EXPECT_EQ(small.peers(), 8U);
  now_ += 1min;
  small.NoteUnknown("wg0", Address(200), now_);
  small.NoteCall({"wg0", Key(200)}, Address(2000), 0ms, now_);
  EXPECT_TRUE(small.Waits("wg0", Address(200), now_));
  EXPECT_TRUE(small.Waits("wg0", Address(2000), now_));
}

}  // namespace
}  // namespace jitwg::provisioner
