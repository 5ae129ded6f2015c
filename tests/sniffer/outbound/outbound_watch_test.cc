#include "sniffer/outbound/outbound_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/fake_device.h"
#include "tests/support/manual_clock.h"

namespace jitwg::sniffer {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class RecordingSink final : public DemandSink {
 public:
  void OnDemand(const OutboundDemand& demand) override { demands.push_back(demand); }
  std::vector<OutboundDemand> demands;
};

PublicKey KeyOf(std::uint8_t number) {
  PublicKey key;
  key.bytes.fill(number);
  return key;
}

class OutboundWatchTest : public ::testing::Test {
 protected:
  void Start(const OutboundOptions& options = {}) {
    kernel_.AddInterface("wg0", GeneratePrivateKey());
    peers_ = std::move(*PeerManager::Create(
        kernel_, clock_, {"wg0", {{*IpPrefix::Parse("10.0.0.0/8")}, 100}, "", 16}));
    watch_ = std::make_unique<OutboundWatch>(clock_, demands_, sink_, options);
    interface_ = watch_->AddInterface("wg0", *peers_);
  }
  void Send(const std::string& destination) {
    const IpAddress address = *IpAddress::Parse(destination);
    std::vector<std::uint8_t> packet(address.is_v4() ? 20 : 40);
    packet[0] = address.is_v4() ? 0x45 : 0x60;
    const auto bytes = address.bytes();
    std::copy(bytes.begin(), bytes.end(), packet.begin() + (address.is_v4() ? 16 : 24));
    watch_->OnPacket(interface_, packet, clock_.WallNow());
  }
  void Install(std::uint8_t number, const std::string& prefix) {
    InstallRequest request;
    request.public_key = KeyOf(number);
    request.allowed_ips = {*IpPrefix::Parse(prefix)};
    ASSERT_EQ(peers_->Install(std::span(&request, 1)).results[0].outcome, PeerOutcome::kInstalled);
  }

  ManualClock clock_;
  testing::FakeKernel kernel_;
  std::unique_ptr<PeerManager> peers_;
  DemandTable demands_;
  RecordingSink sink_;
  std::unique_ptr<OutboundWatch> watch_;
  std::size_t interface_ = 0;
};

TEST_F(OutboundWatchTest, APacketForNobodyAsks) {
  Start();
  Send("10.8.0.2");
  ASSERT_EQ(sink_.demands.size(), 1U);
  EXPECT_EQ(sink_.demands[0].interface, "wg0");
  EXPECT_EQ(sink_.demands[0].destination.ToString(), "10.8.0.2");
  EXPECT_EQ(sink_.demands[0].asked_at, clock_.WallNow());
  EXPECT_EQ(watch_->Get(OutboundResult::kAsked), 1U);
  // And what was told can be named by an installation.
  const auto demand = demands_.Take(sink_.demands[0].id, clock_.SteadyNow());
  ASSERT_TRUE(demand);
  EXPECT_EQ(demand->destination, sink_.demands[0].destination);
}

TEST_F(OutboundWatchTest, ADestinationAsksOnceInItsWindow) {
  Start();
  for (int i = 0; i < 100; ++i) Send("10.8.0.2");
  EXPECT_EQ(sink_.demands.size(), 1U);
  EXPECT_EQ(watch_->Get(OutboundResult::kRepeated), 99U);
  Send("10.8.0.3");
  EXPECT_EQ(sink_.demands.size(), 2U);
  clock_.Advance(500ms);
  Send("10.8.0.2");
  EXPECT_EQ(sink_.demands.size(), 3U);
}

TEST_F(OutboundWatchTest, WhatAPeerHasDoesNotAskBeItOwnOrForeign) {
  Start();
  Install(1, "10.8.0.0/24");
  kernel_.AddForeignPeer("wg0", {KeyOf(2), false, {*IpPrefix::Parse("10.9.0.0/16")}, {}, {}});
  ASSERT_TRUE(peers_->Refresh());
  Send("10.8.0.77");
  Send("10.9.200.1");
  EXPECT_TRUE(sink_.demands.empty());
  EXPECT_EQ(watch_->Get(OutboundResult::kCovered), 2U);
}

TEST_F(OutboundWatchTest, APeerThatWentAsksAgain) {
  Start();
  Install(1, "10.8.0.2/32");
  Send("10.8.0.2");
  const PublicKey key = KeyOf(1);
  peers_->Remove(std::span(&key, 1));
  clock_.Advance(500ms);
  Send("10.8.0.2");
  EXPECT_EQ(sink_.demands.size(), 1U);
}

TEST_F(OutboundWatchTest, AFloodOfDestinationsAsksWithinItsRate) {
  OutboundOptions options;
  options.rate = {10, 10};
  Start(options);
  const auto flood = [&](int second) {
    for (int i = 0; i < 5000; ++i) {
      Send("10." + std::to_string(second) + "." + std::to_string(i / 250) + "." +
           std::to_string(1 + i % 250));
    }
  };
  flood(1);
  EXPECT_EQ(sink_.demands.size(), 10U);
  EXPECT_EQ(watch_->Get(OutboundResult::kRateLimited), 4990U);
  clock_.Advance(1s);
  flood(2);
  EXPECT_EQ(sink_.demands.size(), 20U);
}

TEST_F(OutboundWatchTest, WhatHasNoAddressIsCountedAndNoMore) {
  Start();
  Send("224.0.0.5");
  watch_->OnPacket(interface_, {}, clock_.WallNow());
  EXPECT_EQ(watch_->Get(OutboundResult::kNoAddress), 2U);
  EXPECT_TRUE(sink_.demands.empty());
}

TEST(OutboundResultTest, EachHasAName) {
  for (std::size_t i = 0; i < kOutboundResults; ++i) {
    EXPECT_FALSE(ToString(static_cast<OutboundResult>(i)).empty());
  }
}

}  // namespace
}  // namespace jitwg::sniffer
