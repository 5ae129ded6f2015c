#include "sniffer/completion/original_packet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sniffer/completion/own_copies.h"
#include "sniffer/completion/udp_checksum.h"
#include "tests/support/frames.h"
#include "tests/support/initiator.h"

namespace jitwg::sniffer {
namespace {

OriginalPacket Capture(const test::FrameSpec& spec) {
  const test::ByteVector frame = test::BuildFrame(spec, test::FakeInitiation());
  const auto datagram = DecodeDatagram(frame, {spec.link_type, frame.size(), 3, true});
  EXPECT_TRUE(datagram);
  return OriginalPacket(*datagram, nullptr);
}

bool Equal(std::span<const std::uint8_t> a, const test::ByteVector& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

TEST(OriginalPacket, KeepsTheIpPacketOfEveryLinkLayerWithoutPadding) {
  for (const LinkType type : {LinkType::kEthernet, LinkType::kRawIp, LinkType::kLinuxSll,
                              LinkType::kLinuxSll2, LinkType::kBsdNull}) {
    for (const bool v6 : {false, true}) {
      test::FrameSpec spec;
      spec.link_type = type;
      if (v6) spec.source = "2001:db8::7", spec.destination = "2001:db8::1";
      if (type == LinkType::kEthernet) spec.trailer = {0, 0, 0};
      const OriginalPacket packet = Capture(spec);
      EXPECT_TRUE(Equal(packet.ip_packet(), test::BuildIp(spec, test::FakeInitiation())));
      EXPECT_TRUE(Equal(packet.payload(), test::FakeInitiation()));
      EXPECT_EQ(packet.protocol(), v6 ? 0x86dd : 0x0800);
      EXPECT_EQ(packet.tag_bytes(), 0U);
    }
  }
}

TEST(OriginalPacket, KeepsVlanTagsApart) {
  test::FrameSpec spec;
  spec.vlan_types = {0x88a8, 0x8100};
  const OriginalPacket packet = Capture(spec);
  EXPECT_EQ(packet.protocol(), 0x88a8);
  EXPECT_EQ(packet.tag_bytes(), 8U);
  EXPECT_TRUE(Equal(packet.ip_packet(), test::BuildIp(spec, test::FakeInitiation())));
}

TEST(OriginalPacket, IsEmptyAfterItWasMovedFrom) {
  OriginalPacket packet = Capture({});
  const OriginalPacket other = std::move(packet);
  EXPECT_EQ(other.payload().size(), 148U);
  // NOLINTNEXTLINE(bugprone-use-after-move): that is what is tested.
  EXPECT_TRUE(packet.payload().empty());
}

TEST(UdpChecksum, IsTheOneThatTheSenderWouldHaveSent) {
  for (const bool v6 : {false, true}) {
    test::FrameSpec spec;
    if (v6) spec.source = "2001:db8::7", spec.destination = "2001:db8::1";
    const test::ByteVector packet = test::BuildIp(spec, test::FakeInitiation());
    const std::size_t udp = v6 ? 40 : 20;
    test::ByteVector copy = packet;
    copy[udp + 6] ^= 0xff;
    copy[udp + 7] ^= 0x01;
    ASSERT_TRUE(FillUdpChecksum(copy, udp));
    // The sum over pseudo header and datagram, checksum included, is all ones (RFC 1071).
    std::uint32_t sum = 17 + 8 + 148;
    for (std::size_t i = v6 ? 8 : 12; i < copy.size(); i += 2) {
      sum += static_cast<std::uint32_t>(copy[i] << 8 | copy[i + 1]);
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    EXPECT_EQ(sum, 0xffffU);
  }
}

TEST(UdpChecksum, LengthsThatContradictEachOtherAreRefusedAndNothingIsWritten) {
  const test::ByteVector packet = test::BuildIp({}, test::FakeInitiation());
  for (std::size_t size = 20; size < packet.size(); ++size) {
    test::ByteVector cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
    const test::ByteVector before = cut;
    EXPECT_FALSE(FillUdpChecksum(cut, 20)) << size;
    EXPECT_EQ(cut, before);
  }
  test::ByteVector copy = packet;
  EXPECT_FALSE(FillUdpChecksum(copy, 12));
}

TEST(OwnCopies, RecognisesWhatWasNotedForASecond) {
  OwnCopies copies;
  const SteadyTime start{};
  const test::InitiationPacket noted = test::GarbageInitiation(1);
  const test::InitiationPacket other = test::GarbageInitiation(2);
  EXPECT_FALSE(copies.Recognise(noted, start));
  copies.Note(noted, start);
  EXPECT_TRUE(copies.Recognise(noted, start));
  EXPECT_TRUE(copies.Recognise(noted, start + std::chrono::seconds(1)));
  EXPECT_FALSE(copies.Recognise(noted, start + std::chrono::milliseconds(1001)));
  EXPECT_FALSE(copies.Recognise(other, start));
}

}  // namespace
}  // namespace jitwg::sniffer
