// The source on the real kernel: what is held, what passes, when it is let go. Needs root.
#include "sniffer/hold/nfqueue_source.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "sniffer/capture/datagram.h"
#include "tests/sniffer/hold/hold_fixture.h"

namespace jitwg::test {
namespace {

using namespace std::chrono_literals;
using sniffer::HoldOptions;

// Longer than any test: only a lease's end lets a packet go.
HoldOptions Patient() { return {.state_dir = "/run/test", .hold_time = 10min}; }

class NfqueueSourceTest : public HoldFixture {};

TEST_F(NfqueueSourceTest, HoldsAnInitiationUntilItsLeaseDies) {
  const LoopbackPair pair;
  Open(Patient(), {pair.port()});
  Start();
  pair.Send(NumberedInitiation(1));
  ASSERT_TRUE(Told(1));
  const ByteVector bytes = BytesOf(0);
  const auto datagram = sniffer::DecodeDatagram(bytes, {sniffer::LinkType::kRawIp});
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->destination.port, pair.port());
  EXPECT_EQ(ByteVector(datagram->payload.begin(), datagram->payload.end()), NumberedInitiation(1));
  EXPECT_FALSE(pair.HasReceived());
  ReleaseOne();
  ASSERT_EQ(pair.Receive(), NumberedInitiation(1));
  EXPECT_EQ(source_->GetStats().received, 1u);
  EXPECT_EQ(source_->GetStats().dropped_by_kernel, 0u);
}

TEST_F(NfqueueSourceTest, HoldsOverIpv6AndBehindExtensionHeaders) {
  const LoopbackPair pair(true);
  Open(Patient(), {pair.port()});
  Start();
  pair.Send(NumberedInitiation(1));
  pair.SendBehindExtension(NumberedInitiation(2));
  ASSERT_TRUE(Told(2));
  for (std::size_t packet = 0; packet < 2; ++packet) {
    const ByteVector bytes = BytesOf(packet);
    EXPECT_TRUE(sniffer::DecodeDatagram(bytes, {sniffer::LinkType::kRawIp})) << packet;
  }
  EXPECT_FALSE(pair.HasReceived());
  ReleaseAll();
  ASSERT_EQ(pair.Receive(), NumberedInitiation(1));
  ASSERT_EQ(pair.Receive(), NumberedInitiation(2));
}

TEST_F(NfqueueSourceTest, LetsEverythingElsePassUntold) {
  const LoopbackPair pair;
  const LoopbackPair other;
  Open(Patient(), {pair.port()});
  Start();
  ByteVector shorter = FakeInitiation();
  shorter.pop_back();
  ByteVector longer = FakeInitiation();
  longer.push_back(0);
  ByteVector data = FakeInitiation();
  data[0] = 4;
  ByteVector reserved = FakeInitiation();
  reserved[3] = 1;
  for (const ByteVector& payload : {shorter, longer, data, reserved, ByteVector(3), ByteVector{}}) {
    pair.Send(payload);
    EXPECT_EQ(pair.Receive(), payload);
  }
  other.Send(FakeInitiation());
  EXPECT_EQ(other.Receive(), FakeInitiation());
  // What is told is told in order, so that nothing was before this one.
  pair.Send(NumberedInitiation(9));
  ASSERT_TRUE(Told(1));
  EXPECT_EQ(source_->GetStats().received, 1u);
}

TEST_F(NfqueueSourceTest, LetsGoInAnyOrderFromAnyThread) {
  const LoopbackPair pair;
  Open(Patient(), {pair.port()});
  Start();
  for (std::uint32_t number = 0; number < 3; ++number) pair.Send(NumberedInitiation(number));
  ASSERT_TRUE(Told(3));
  std::jthread([this] { ReleaseOne(); }).join();
  ASSERT_EQ(pair.Receive(), NumberedInitiation(0));
  EXPECT_FALSE(pair.HasReceived());
  std::jthread([this] { ReleaseAll(); }).join();
  ASSERT_EQ(pair.Receive(), NumberedInitiation(1));
  ASSERT_EQ(pair.Receive(), NumberedInitiation(2));
}

TEST_F(NfqueueSourceTest, LetsGoAtTheDeadlineWhateverTheLeaseSays) {
  const LoopbackPair pair;
  HoldOptions options = Patient();
  options.hold_time = 50ms;
  Open(options, {pair.port()});
  Start();
  for (std::uint32_t number = 0; number < 3; ++number) pair.Send(NumberedInitiation(number));
  ASSERT_TRUE(Told(3));
  for (std::uint32_t number = 0; number < 3; ++number) {
    ASSERT_EQ(pair.Receive(), NumberedInitiation(number));
  }
  EXPECT_EQ(Kept(), 3u);
  // A lease that dies late harms nobody.
  ReleaseAll();
  pair.Send(NumberedInitiation(4));
  ASSERT_TRUE(Told(4));
  ASSERT_EQ(pair.Receive(), NumberedInitiation(4));
}

TEST_F(NfqueueSourceTest, WhatFindsTheQueueFullPasses) {
  const LoopbackPair pair;
  HoldOptions options = Patient();
  options.max_packets = 4;
  Open(options, {pair.port()});
  Start();
  for (std::uint32_t number = 0; number < 20; ++number) pair.Send(NumberedInitiation(number));
  for (std::uint32_t number = 4; number < 20; ++number) {
    ASSERT_EQ(pair.Receive(), NumberedInitiation(number));
  }
  ASSERT_TRUE(Told(4));
  EXPECT_FALSE(pair.HasReceived());
  ReleaseAll();
  for (std::uint32_t number = 0; number < 4; ++number) {
    ASSERT_EQ(pair.Receive(), NumberedInitiation(number));
  }
}

TEST_F(NfqueueSourceTest, FollowsItsPorts) {
  const LoopbackPair first;
  const LoopbackPair second;
  Open(Patient(), {first.port()});
  Start();
  second.Send(FakeInitiation());
  EXPECT_EQ(second.Receive(), FakeInitiation());
  ASSERT_TRUE(source_->SetPorts(std::vector<std::uint16_t>{second.port(), 0, second.port()}));
  first.Send(FakeInitiation());
  EXPECT_EQ(first.Receive(), FakeInitiation());
  second.Send(NumberedInitiation(1));
  ASSERT_TRUE(Told(1));
  EXPECT_FALSE(second.HasReceived());
  ASSERT_TRUE(source_->SetPorts({}));
  second.Send(NumberedInitiation(2));
  EXPECT_EQ(second.Receive(), NumberedInitiation(2));
}

TEST_F(NfqueueSourceTest, LosesNothingUnderLoad) {
  constexpr std::uint32_t kPackets = 5000;
  const LoopbackPair pair;
  keep_ = false;
  Open(Patient(), {pair.port()});
  Start();
  for (std::uint32_t number = 0; number < kPackets; ++number) {
    pair.Send(NumberedInitiation(number));
  }
  std::set<ByteVector> received;
  while (received.size() < kPackets) {
    const auto payload = pair.Receive();
    ASSERT_TRUE(payload) << "after " << received.size();
    ASSERT_TRUE(received.insert(*payload).second) << "came twice";
  }
  const auto stats = source_->GetStats();
  EXPECT_GT(stats.received, 0u);
  EXPECT_LE(stats.received + stats.dropped_by_kernel, kPackets);
}

TEST_F(NfqueueSourceTest, LosesNothingWhenNobodyReadsForALongTime) {
  constexpr std::uint32_t kPackets = 3000;
  const LoopbackPair pair;
  HoldOptions options = Patient();
  options.max_packets = 1000;
  keep_ = false;
  Open(options, {pair.port()});
  for (std::uint32_t number = 0; number < kPackets; ++number) {
    pair.Send(NumberedInitiation(number));
  }
  Start();
  std::set<ByteVector> received;
  while (received.size() < kPackets) {
    const auto payload = pair.Receive();
    ASSERT_TRUE(payload) << "after " << received.size();
    received.insert(*payload);
  }
  ASSERT_TRUE(Told(1));
  EXPECT_LE(source_->GetStats().received, 1000u);
}

TEST_F(NfqueueSourceTest, AStopLetsEverythingGo) {
  const LoopbackPair pair;
  Open(Patient(), {pair.port()});
  Start();
  for (std::uint32_t number = 0; number < 50; ++number) pair.Send(NumberedInitiation(number));
  ASSERT_TRUE(Told(50));
  EXPECT_FALSE(pair.HasReceived());
  Stop();
  for (std::uint32_t number = 0; number < 50; ++number) {
    ASSERT_EQ(pair.Receive(), NumberedInitiation(number));
  }
}

TEST_F(NfqueueSourceTest, TakesTheQueueItIsToldAndRefusesATakenOne) {
  HoldOptions options = Patient();
  options.queue = 7;
  Open(options, {});
  EXPECT_EQ(source_->queue(), 7u);
  options.state_dir = "/run/other";
  const auto second = sniffer::NfqueueSource::Open(options);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("packet queue 7"), std::string::npos)
      << second.error().message;
  // Without a number it finds another one.
  options.queue = std::nullopt;
  const auto third = sniffer::NfqueueSource::Open(options);
  ASSERT_TRUE(third) << third.error().message;
  EXPECT_NE((*third)->queue(), 7u);
}

}  // namespace
}  // namespace jitwg::test
