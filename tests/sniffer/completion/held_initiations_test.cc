#include "sniffer/completion/held_initiations.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "tests/support/frames.h"

namespace jitwg::sniffer {
namespace {

constexpr std::chrono::milliseconds kOneMs{1};

class CountingLease final : public PacketLease {
 public:
  explicit CountingLease(int& ended) : ended_(ended) {}
  ~CountingLease() override { ++ended_; }

 private:
  int& ended_;
};

class HeldInitiationsTest : public ::testing::Test {
 protected:
  OriginalPacket Packet() {
    const test::ByteVector frame = test::BuildFrame({}, test::FakeInitiation());
    const auto datagram = DecodeDatagram(frame, {LinkType::kEthernet, frame.size(), 3, true});
    EXPECT_TRUE(datagram);
    return OriginalPacket(*datagram, std::make_shared<CountingLease>(ended_));
  }
  static PublicKey Key(std::uint8_t number) {
    PublicKey key;
    key.bytes[0] = number;
    return key;
  }

  int ended_ = 0;
  const SteadyTime start_{};
  HeldInitiations held_{{3, std::chrono::milliseconds(2000)}};
};

TEST_F(HeldInitiationsTest, TakenOnceAndWithItsBytes) {
  held_.Add(1, "wg0", Key(1), start_, Packet());
  const auto packet = held_.Take(1, start_);
  ASSERT_TRUE(packet);
  const test::ByteVector sent = test::FakeInitiation();
  EXPECT_TRUE(
      std::equal(packet->payload().begin(), packet->payload().end(), sent.begin(), sent.end()));
  EXPECT_EQ(packet->ifindex(), 3U);
  EXPECT_FALSE(held_.Take(1, start_));
  EXPECT_EQ(held_.counts().held, 0U);
}

TEST_F(HeldInitiationsTest, OnlyTheNewestOfAKeyIsKeptAndTheOlderIsLetGoAtOnce) {
  held_.Add(1, "wg0", Key(1), start_, Packet());
  held_.Add(2, "wg0", Key(1), start_, Packet());
  EXPECT_EQ(ended_, 1);
  EXPECT_FALSE(held_.Take(1, start_));
  EXPECT_TRUE(held_.Take(2, start_));
  EXPECT_EQ(held_.counts().superseded, 1U);
}

TEST_F(HeldInitiationsTest, AnOlderOneThatComesLateDoesNotReplaceTheNewer) {
  held_.Add(2, "wg0", Key(1), start_, Packet());
  held_.Add(1, "wg0", Key(1), start_, Packet());
  EXPECT_EQ(ended_, 1);
  EXPECT_FALSE(held_.Take(1, start_));
  EXPECT_TRUE(held_.Take(2, start_));
}

TEST_F(HeldInitiationsTest, TheSameKeyOnTwoInterfacesIsTwoCallers) {
  held_.Add(1, "wg0", Key(1), start_, Packet());
  held_.Add(2, "wg1", Key(1), start_, Packet());
  EXPECT_TRUE(held_.Take(1, start_));
  EXPECT_TRUE(held_.Take(2, start_));
}

TEST_F(HeldInitiationsTest, NothingIsGivenThatTheClientNoLongerWaitsFor) {
  held_.Add(1, "wg0", Key(1), start_, Packet());
  held_.Add(2, "wg0", Key(2), start_ + kOneMs, Packet());
  const SteadyTime late = start_ + std::chrono::milliseconds(2001);
  EXPECT_FALSE(held_.Take(1, late));
  EXPECT_TRUE(held_.Take(2, late));
  EXPECT_EQ(held_.counts().expired, 1U);
}

TEST_F(HeldInitiationsTest, ExpiryLetsGoWhatIsTooOldAndNothingElse) {
  held_.Add(1, "wg0", Key(1), start_, Packet());
  held_.Add(2, "wg0", Key(2), start_ + kOneMs, Packet());
  held_.Expire(start_ + std::chrono::milliseconds(2000));
  EXPECT_EQ(ended_, 0);
  held_.Expire(start_ + std::chrono::milliseconds(2001));
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(held_.counts().held, 1U);
  EXPECT_TRUE(held_.Take(2, start_ + kOneMs));
}

TEST_F(HeldInitiationsTest, WhenFullTheOldestGoesAndIsLetGo) {
  for (std::uint8_t i = 1; i <= 4; ++i) held_.Add(i, "wg0", Key(i), start_, Packet());
  EXPECT_EQ(ended_, 1);
  EXPECT_FALSE(held_.Take(1, start_));
  for (std::uint8_t i = 2; i <= 4; ++i) EXPECT_TRUE(held_.Take(i, start_)) << int{i};
  EXPECT_EQ(held_.counts().out_of_room, 1U);
}

}  // namespace
}  // namespace jitwg::sniffer
