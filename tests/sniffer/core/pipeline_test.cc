#include "sniffer/pipeline.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/sniffer/core/gateway.h"
#include "tests/support/frames.h"

namespace jitwg::sniffer {
namespace {

constexpr std::uint64_t kGatewaySeed = 1;
constexpr std::uint64_t kClientSeed = 100;

Tai64n Stamp(std::int64_t seconds) { return Tai64n::FromUnix(seconds, 0); }

class PipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.Serve("wg0", kGatewaySeed);
    StartPipeline(false);
  }

  void StartPipeline(bool hold_packets) {
    PipelineOptions options;
    options.hold_packets = hold_packets;
    options.admission.limits.per_source = {10, 20};
    pipeline_ =
        std::make_unique<Pipeline>(gateway_.interfaces, gateway_.clock, statistics_,
                                   PipelineMemory{initiations_, held_, own_copies_}, log_, options);
  }

  void Send(std::span<const std::uint8_t> payload, const test::FrameSpec& spec = {},
            std::shared_ptr<PacketLease> lease = nullptr) {
    const test::ByteVector frame = test::BuildFrame(spec, payload);
    CapturedPacket packet;
    packet.link_type = spec.link_type;
    packet.bytes = frame;
    packet.wire_length = frame.size();
    packet.lease = std::move(lease);
    pipeline_->OnPacket(packet);
    ++sent_;
  }

  // Until every packet that was sent is accounted for.
  void Settle() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (Total() < sent_ && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    ASSERT_EQ(Total(), sent_);
  }

  std::uint64_t Total() const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < kInitiationResults; ++i) {
      total += statistics_.Get(static_cast<InitiationResult>(i));
    }
    return total;
  }

  std::uint64_t Count(InitiationResult result) const { return statistics_.Get(result); }

  Gateway gateway_;
  Statistics statistics_;
  InitiationTable initiations_;
  HeldInitiations held_;
  OwnCopies own_copies_;
  EventLog log_;
  std::unique_ptr<Pipeline> pipeline_;
  test::Initiator client_{kClientSeed, Gateway::KeyOf(kGatewaySeed)};
  std::uint64_t sent_ = 0;
};

TEST_F(PipelineTest, AProvenCallerBecomesAnEvent) {
  Send(client_.Initiate(Stamp(1000)));
  Settle();
  const auto events = log_.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].interface, "wg0");
  EXPECT_EQ(events[0].public_key, client_.public_key());
  EXPECT_EQ(events[0].timestamp, Stamp(1000));
  EXPECT_EQ(events[0].source.ToString(), "192.0.2.7:40000");
  EXPECT_EQ(events[0].destination.ToString(), "198.51.100.1:51820");
  EXPECT_FALSE(events[0].already_installed);
  const auto remembered = initiations_.Find(events[0].initiation_id);
  ASSERT_TRUE(remembered);
  EXPECT_EQ(remembered->source, events[0].source);
}

TEST_F(PipelineTest, IPv6AndVlanReachTheSameEnd) {
  test::FrameSpec spec;
  spec.source = "2001:db8::7";
  spec.destination = "2001:db8::1";
  spec.vlan_types = {0x8100};
  Send(client_.Initiate(Stamp(1000)), spec);
  Settle();
  ASSERT_EQ(log_.events().size(), 1U);
  EXPECT_EQ(log_.events()[0].source.ToString(), "[2001:db8::7]:40000");
}

TEST_F(PipelineTest, AForgedStaticKeyIsCountedAndNothingElse) {
  test::Initiator stranger(7, Gateway::KeyOf(kGatewaySeed));
  Send(stranger.Forge(client_.public_key(), Stamp(1000)));
  Settle();
  EXPECT_TRUE(log_.events().empty());
  EXPECT_EQ(Count(InitiationResult::kBadTimestamp), 1U);
}

TEST_F(PipelineTest, AForgeryDoesNotSpoilTheRealKeysFreshness) {
  test::Initiator stranger(7, Gateway::KeyOf(kGatewaySeed));
  Send(stranger.Forge(client_.public_key(), Stamp(9999)));
  Send(client_.Initiate(Stamp(1000)));
  Settle();
  EXPECT_EQ(log_.events().size(), 1U);
}

TEST_F(PipelineTest, GarbageOtherPortsAndOtherKeysEndCheaply) {
  Send(test::GarbageInitiation(1));
  test::FrameSpec other_port;
  other_port.destination_port = 53;
  Send(client_.Initiate(Stamp(1)), other_port);
  test::Initiator lost(8, Gateway::KeyOf(77));
  Send(lost.Initiate(Stamp(1)));
  test::FrameSpec fragment;
  fragment.fragment_field = 0x2000;
  Send(client_.Initiate(Stamp(2)), fragment);
  Settle();
  EXPECT_TRUE(log_.events().empty());
  EXPECT_EQ(Count(InitiationResult::kBadMac1), 2U);
  EXPECT_EQ(Count(InitiationResult::kOtherPort), 1U);
  EXPECT_EQ(Count(InitiationResult::kMalformed), 1U);
}

TEST_F(PipelineTest, TheSamePacketTwiceIsOneEvent) {
  const auto packet = client_.Initiate(Stamp(1000));
  Send(packet);
  Send(packet);
  Settle();
  EXPECT_EQ(log_.events().size(), 1U);
  EXPECT_EQ(Count(InitiationResult::kDuplicate), 1U);
}

TEST_F(PipelineTest, AReplayAfterTheDuplicateWindowIsSeenByItsStamp) {
  const auto old_packet = client_.Initiate(Stamp(1000));
  Send(old_packet);
  Settle();
  gateway_.clock.Advance(std::chrono::minutes(1));
  Send(old_packet);
  Send(client_.Initiate(Stamp(1001)));
  Settle();
  gateway_.clock.Advance(std::chrono::minutes(1));
  Send(old_packet);
  Settle();
  EXPECT_EQ(log_.events().size(), 2U);
  EXPECT_EQ(Count(InitiationResult::kSameStamp), 1U);
  EXPECT_EQ(Count(InitiationResult::kReplayed), 1U);
}

TEST_F(PipelineTest, TheGatewaysOwnKeyIsNobodysPeer) {
  test::Initiator mirror(kGatewaySeed, Gateway::KeyOf(kGatewaySeed));
  Send(mirror.Initiate(Stamp(1000)));
  Settle();
  EXPECT_TRUE(log_.events().empty());
  EXPECT_EQ(Count(InitiationResult::kOwnKey), 1U);
}

TEST_F(PipelineTest, AnInstalledPeersRekeyIsToldAndItsStampKept) {
  PeerManager& peers = *gateway_.managers["wg0"];
  const InstallRequest request = Gateway::RequestFor(client_.public_key(), "10.8.0.2/32");
  ASSERT_EQ(peers.Install({&request, 1}).results.at(0).outcome, PeerOutcome::kInstalled);
  Send(client_.Initiate(Stamp(2000)));
  Settle();
  ASSERT_EQ(log_.events().size(), 1U);
  EXPECT_TRUE(log_.events()[0].already_installed);
  EXPECT_EQ(Count(InitiationResult::kInstalled), 1U);
  const auto list = peers.List();
  ASSERT_TRUE(list);
  EXPECT_EQ(list->peers.at(0).newest_timestamp, Stamp(2000));
}

TEST_F(PipelineTest, OneSourcesFloodLeavesTheOthersAlone) {
  test::Initiator noisy(200, Gateway::KeyOf(kGatewaySeed));
  for (int i = 0; i < 100; ++i) Send(noisy.Initiate(Stamp(1000 + i)));
  test::FrameSpec other;
  other.source = "192.0.2.8";
  Send(client_.Initiate(Stamp(1000)), other);
  Settle();
  EXPECT_EQ(Count(InitiationResult::kRateLimitedSource), 80U);
  EXPECT_EQ(log_.events().back().public_key, client_.public_key());
}

TEST_F(PipelineTest, TwoInterfacesOnOnePortAreToldApartByTheirKeys) {
  gateway_.Serve("wg1", 2);
  test::Initiator second(300, Gateway::KeyOf(2));
  Send(client_.Initiate(Stamp(1)));
  Send(second.Initiate(Stamp(1)));
  Settle();
  ASSERT_EQ(log_.events().size(), 2U);
  EXPECT_EQ(log_.events()[0].interface, "wg0");
  EXPECT_EQ(log_.events()[1].interface, "wg1");
}

TEST_F(PipelineTest, ANewKeyOfTheInterfaceIsUsedAfterARefresh) {
  gateway_.kernel.SetPrivateKey("wg0", test::KeyFromSeed(55));
  gateway_.interfaces.Refresh();
  Send(client_.Initiate(Stamp(1)));
  test::Initiator informed(kClientSeed, Gateway::KeyOf(55));
  Send(informed.Initiate(Stamp(2)));
  Settle();
  EXPECT_EQ(Count(InitiationResult::kBadMac1), 1U);
  EXPECT_EQ(log_.events().size(), 1U);
}

class Lease final : public PacketLease {};

TEST_F(PipelineTest, OnlyThePacketOfACallerWhoIsNotInstalledIsHeld) {
  StartPipeline(true);
  std::vector<std::weak_ptr<PacketLease>> leases;
  const auto send = [&](std::span<const std::uint8_t> payload) {
    auto lease = std::make_shared<Lease>();
    leases.push_back(lease);
    Send(payload, {}, std::move(lease));
    Settle();
  };
  const auto first = client_.Initiate(Stamp(1000));
  send(test::GarbageInitiation(1));
  send(test::Initiator(7, Gateway::KeyOf(kGatewaySeed)).Forge(client_.public_key(), Stamp(1000)));
  send(first);
  send(first);
  for (const std::size_t i : {0U, 1U, 3U}) EXPECT_TRUE(leases[i].expired()) << i;
  EXPECT_FALSE(leases[2].expired());
  ASSERT_EQ(log_.events().size(), 1U);
  auto held = held_.Take(log_.events()[0].initiation_id, gateway_.clock.SteadyNow());
  ASSERT_TRUE(held);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), held->payload().begin()));
  held.reset();
  EXPECT_TRUE(leases[2].expired());

  const InstallRequest request = Gateway::RequestFor(client_.public_key(), "10.8.0.2/32");
  ASSERT_EQ(gateway_.managers["wg0"]->Install({&request, 1}).results.at(0).outcome,
            PeerOutcome::kInstalled);
  send(client_.Initiate(Stamp(2000)));
  EXPECT_TRUE(leases[4].expired());
  EXPECT_EQ(held_.counts().held, 0U);
}

TEST_F(PipelineTest, ItsOwnCopyOfAPacketIsNotACaller) {
  const auto packet = client_.Initiate(Stamp(1000));
  own_copies_.Note(packet, gateway_.clock.SteadyNow());
  Send(packet);
  Settle();
  EXPECT_EQ(Count(InitiationResult::kOwnCopy), 1U);
  EXPECT_TRUE(log_.events().empty());
}

}  // namespace
}  // namespace jitwg::sniffer
