#include "sniffer/capture/datagram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/frames.h"

namespace jitwg::sniffer {
namespace {

using test::BuildFrame;
using test::ByteVector;
using test::FakeInitiation;
using test::FrameSpec;

constexpr LinkType kAllLinkTypes[] = {
    LinkType::kEthernet, LinkType::kRawIp,     LinkType::kIpv4,    LinkType::kIpv6,
    LinkType::kLinuxSll, LinkType::kLinuxSll2, LinkType::kBsdNull, LinkType::kBsdLoop};

FrameSpec V6(FrameSpec spec = {}) {
  spec.source = "2001:db8::7";
  spec.destination = "2001:db8:1::1";
  return spec;
}

// The wire length is that of the frame.
tl::expected<Datagram, DatagramError> Decode(const ByteVector& frame, const FrameSpec& spec) {
  return DecodeDatagram(frame, {.link_type = spec.link_type, .wire_length = frame.size()});
}

tl::expected<Datagram, DatagramError> Decode(const FrameSpec& spec) {
  static ByteVector frame;  // the views in the result point into it
  frame = BuildFrame(spec, FakeInitiation());
  return Decode(frame, spec);
}

void ExpectDecodes(const FrameSpec& spec) {
  const auto datagram = Decode(spec);
  ASSERT_TRUE(datagram) << ToString(datagram.error()) << " on " << ToString(spec.link_type);
  EXPECT_EQ(datagram->source.address.ToString(), spec.source);
  EXPECT_EQ(datagram->destination.address.ToString(), spec.destination);
  EXPECT_EQ(datagram->source.port, spec.source_port);
  EXPECT_EQ(datagram->destination.port, spec.destination_port);
  EXPECT_TRUE(std::ranges::equal(datagram->payload, FakeInitiation()));
  const ByteVector ip = BuildIp(spec, FakeInitiation());
  EXPECT_TRUE(std::ranges::equal(datagram->ip_packet, ip));
}

void ExpectRefused(const FrameSpec& spec, DatagramError reason) {
  const auto datagram = Decode(spec);
  ASSERT_FALSE(datagram);
  EXPECT_EQ(ToString(datagram.error()), ToString(reason));
}

TEST(DecodeDatagram, ReadsBothFamiliesOnEveryLinkType) {
  for (const LinkType type : kAllLinkTypes) {
    if (type != LinkType::kIpv6) ExpectDecodes({.link_type = type});
    if (type != LinkType::kIpv4) ExpectDecodes(V6({.link_type = type}));
  }
}

TEST(DecodeDatagram, RefusesTheOtherFamilyOnASingleFamilyLink) {
  ExpectRefused(V6({.link_type = LinkType::kIpv4}), DatagramError::kBadIpHeader);
  ExpectRefused({.link_type = LinkType::kIpv6}, DatagramError::kBadIpHeader);
}

TEST(DecodeDatagram, PassesOverUpToThreeVlanTags) {
  for (const LinkType type : {LinkType::kEthernet, LinkType::kLinuxSll, LinkType::kLinuxSll2}) {
    ExpectDecodes({.link_type = type, .vlan_types = {0x8100}});
    ExpectDecodes(V6({.link_type = type, .vlan_types = {0x88a8, 0x8100}}));
    ExpectDecodes({.link_type = type, .vlan_types = {0x9100, 0x88a8, 0x8100}});
    ExpectRefused({.link_type = type, .vlan_types = {0x8100, 0x8100, 0x8100, 0x8100}},
                  DatagramError::kNotIp);
  }
}

TEST(DecodeDatagram, PassesOverIpv4OptionsOfEveryLength) {
  for (std::size_t words = 1; words <= 10; ++words) {
    ExpectDecodes({.ipv4_options = ByteVector(words * 4, 1)});
  }
}

TEST(DecodeDatagram, CutsOffPaddingBehindTheIpPacket) {
  ExpectDecodes({.trailer = ByteVector(18, 0xee)});
  ExpectDecodes(V6({.trailer = ByteVector(4, 0xee)}));
}

TEST(DecodeDatagram, AcceptsAddressFamiliesOfEveryHostOrder) {
  const ByteVector ip = BuildIp(V6(), FakeInitiation());
  const FrameSpec null_link{.link_type = LinkType::kBsdNull};
  for (const ByteVector& family : {ByteVector{30, 0, 0, 0}, ByteVector{0, 0, 0, 24},
                                   ByteVector{10, 0, 0, 0}, ByteVector{0, 0, 0, 28}}) {
    ByteVector frame = family;
    frame.insert(frame.end(), ip.begin(), ip.end());
    EXPECT_TRUE(Decode(frame, null_link));
  }
  ByteVector frame = {7, 0, 0, 0};
  frame.insert(frame.end(), ip.begin(), ip.end());
  EXPECT_EQ(Decode(frame, null_link).error(), DatagramError::kNotIp);
}

TEST(DecodeDatagram, SaysTruncatedForEveryCutOfALongerPacket) {
  for (const LinkType type : kAllLinkTypes) {
    for (FrameSpec spec : {FrameSpec{.ipv4_options = ByteVector(8, 1)}, V6()}) {
      spec.link_type = type;
      const ByteVector whole = BuildFrame(spec, FakeInitiation());
      if (!Decode(whole, spec)) continue;  // the other family
      for (std::size_t size = 0; size < whole.size(); ++size) {
        const ByteVector cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto datagram = DecodeDatagram(cut, {.link_type = type, .wire_length = whole.size()});
        ASSERT_FALSE(datagram) << size;
        EXPECT_EQ(datagram.error(), DatagramError::kTruncated) << ToString(type) << " " << size;
      }
    }
  }
}

TEST(DecodeDatagram, NeverAcceptsAFrameThatWasShortOnTheWire) {
  for (const FrameSpec& spec : {FrameSpec{}, V6()}) {
    const ByteVector whole = BuildFrame(spec, FakeInitiation());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const ByteVector cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(Decode(cut, spec)) << size;
    }
  }
}

TEST(DecodeDatagram, NeedsOnlyTheDatagramNotAllOfTheFrame) {
  const FrameSpec spec{.trailer = ByteVector(100, 0)};
  ByteVector frame = BuildFrame(spec, FakeInitiation());
  const std::size_t wire = frame.size();
  frame.resize(wire - 100);
  EXPECT_TRUE(DecodeDatagram(frame, {.wire_length = wire}));
}

TEST(DecodeDatagram, TakesAWireLengthBelowTheCapturedOneAsALie) {
  const ByteVector frame = BuildFrame({}, FakeInitiation());
  EXPECT_TRUE(DecodeDatagram(frame, {.wire_length = 3}));
}

TEST(DecodeDatagram, RefusesEveryFragment) {
  ExpectRefused({.fragment_field = 0x2000}, DatagramError::kFragment);  // first of several
  ExpectRefused({.fragment_field = 0x2001}, DatagramError::kFragment);
  ExpectRefused({.fragment_field = 0x0001}, DatagramError::kFragment);  // last
  ExpectRefused({.fragment_field = 0x1fff}, DatagramError::kFragment);
  ExpectDecodes({.fragment_field = 0x0000});
  ExpectDecodes({.fragment_field = 0x8000});
  // Even an IPv6 fragment header that fragments nothing.
  ExpectRefused(V6({.first_next_header = 44, .extension_headers = {17, 0, 0, 0, 0, 0, 0, 0}}),
                DatagramError::kFragment);
}

TEST(DecodeDatagram, WalksHarmlessIpv6ExtensionHeaders) {
  const ByteVector options = {17, 0, 1, 4, 0, 0, 0, 0};
  for (const std::uint8_t kind : std::initializer_list<std::uint8_t>{0, 43, 60}) {
    ByteVector header = options;
    header[3] = kind == 43 ? 0 : 4;
    ExpectDecodes(V6({.first_next_header = kind, .extension_headers = header}));
  }
  ByteVector two = {60, 0, 1, 4, 0, 0, 0, 0};
  two.insert(two.end(), options.begin(), options.end());
  ExpectDecodes(V6({.first_next_header = 0, .extension_headers = two}));
  ByteVector longer = {17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  ExpectDecodes(V6({.first_next_header = 60, .extension_headers = longer}));
}

TEST(DecodeDatagram, RefusesExtensionHeadersThatLieOrGoOnForEver) {
  // Longer than the packet.
  ExpectRefused(V6({.first_next_header = 0, .extension_headers = {17, 255, 0, 0, 0, 0, 0, 0}}),
                DatagramError::kExtensionHeader);
  // A routing header that wants the packet sent on.
  ExpectRefused(V6({.first_next_header = 43, .extension_headers = {17, 0, 0, 1, 0, 0, 0, 0}}),
                DatagramError::kExtensionHeader);
  for (const std::uint8_t kind : std::initializer_list<std::uint8_t>{50, 51, 135}) {
    ExpectRefused(V6({.first_next_header = kind, .extension_headers = ByteVector(8, 0)}),
                  DatagramError::kExtensionHeader);
  }
  ByteVector chain;
  for (int header = 0; header < 20; ++header) {
    chain.insert(chain.end(), {60, 0, 1, 4, 0, 0, 0, 0});
  }
  ExpectRefused(V6({.first_next_header = 60, .extension_headers = chain}),
                DatagramError::kExtensionHeader);
}

TEST(DecodeDatagram, RefusesWhatIsNotUdpOrNotIp) {
  ExpectRefused({.protocol = 6}, DatagramError::kNotUdp);
  ExpectRefused({.protocol = 1}, DatagramError::kNotUdp);
  ExpectRefused(V6({.first_next_header = 6}), DatagramError::kNotUdp);
  ExpectRefused(V6({.first_next_header = 59}), DatagramError::kNotUdp);
  ByteVector arp = BuildFrame({}, FakeInitiation());
  arp[12] = 0x08;
  arp[13] = 0x06;
  EXPECT_EQ(Decode(arp, {}).error(), DatagramError::kNotIp);
}

TEST(DecodeDatagram, RefusesAnIpv4HeaderShorterThanFiveWords) {
  ByteVector frame = BuildFrame({}, FakeInitiation());
  for (std::uint8_t words = 0; words < 5; ++words) {
    frame[14] = static_cast<std::uint8_t>(0x40 | words);
    EXPECT_EQ(Decode(frame, {}).error(), DatagramError::kBadIpHeader);
  }
}

TEST(DecodeDatagram, RefusesAWrongIpv4HeaderChecksumUnlessToldNotToLook) {
  ByteVector frame = BuildFrame({}, FakeInitiation());
  frame[14 + 8] ^= 1;  // time to live
  EXPECT_EQ(Decode(frame, {}).error(), DatagramError::kBadIpChecksum);
  EXPECT_TRUE(DecodeDatagram(frame, {.wire_length = frame.size(), .verify_ip_checksum = false}));
}

TEST(DecodeDatagram, RefusesLyingIpLengths) {
  ExpectRefused({.ip_length_lie = 1}, DatagramError::kBadIpLength);
  ExpectRefused({.ip_length_lie = 60000}, DatagramError::kBadIpLength);
  ExpectRefused({.ip_length_lie = -157}, DatagramError::kBadIpLength);  // 19 bytes
  ExpectRefused({.ip_length_lie = -176}, DatagramError::kBadIpLength);  // 0 bytes
  ExpectRefused({.ip_length_lie = -156}, DatagramError::kBadUdpLength);
  ExpectRefused({.ip_length_lie = -149}, DatagramError::kBadUdpLength);
  ExpectRefused({.ip_length_lie = -1}, DatagramError::kBadUdpLength);
  ExpectRefused(V6({.ip_length_lie = 1}), DatagramError::kBadIpLength);
  ExpectRefused(V6({.ip_length_lie = -1}), DatagramError::kBadUdpLength);
  ExpectRefused(V6({.ip_length_lie = -156}), DatagramError::kBadUdpLength);  // jumbogram
}

TEST(DecodeDatagram, RefusesLyingUdpLengths) {
  ExpectRefused({.udp_length_lie = 1}, DatagramError::kBadUdpLength);
  ExpectRefused({.udp_length_lie = -149}, DatagramError::kBadUdpLength);
  ExpectRefused({.udp_length_lie = -156}, DatagramError::kBadUdpLength);
  ExpectRefused(V6({.udp_length_lie = 1}), DatagramError::kBadUdpLength);
  // Padding behind the IP packet is no room for UDP either.
  ExpectRefused({.udp_length_lie = 1, .trailer = ByteVector(8, 0)}, DatagramError::kBadUdpLength);
}

TEST(DecodeDatagram, TrimsThePayloadToTheUdpLengthAsTheKernelDoes) {
  const auto datagram = Decode({.udp_length_lie = -8});
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->payload.size(), 140U);
  const auto empty = Decode({.udp_length_lie = -148});
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->payload.empty());
}

TEST(DecodeDatagram, RefusesSourcesThatCannotBeAnswered) {
  for (const char* source : {"0.0.0.0", "224.0.0.1", "239.255.255.255", "255.255.255.255"}) {
    ExpectRefused({.source = source}, DatagramError::kBadSource);
  }
  for (const char* source : {"::", "ff02::1"}) {
    FrameSpec spec = V6();
    spec.source = source;
    ExpectRefused(spec, DatagramError::kBadSource);
  }
  ExpectRefused({.source_port = 0}, DatagramError::kBadSource);
  ExpectDecodes({.source = "223.255.255.255"});
  ExpectDecodes({.source = "240.0.0.1"});
}

TEST(DecodeDatagram, ReportsTheDirectionOfCookedFrames) {
  const std::pair<std::uint8_t, PacketDirection> rows[] = {
      {0, PacketDirection::kIncoming}, {1, PacketDirection::kIncoming},
      {2, PacketDirection::kIncoming}, {3, PacketDirection::kOtherHost},
      {4, PacketDirection::kOutgoing}, {9, PacketDirection::kUnknown}};
  for (const LinkType type : {LinkType::kLinuxSll, LinkType::kLinuxSll2}) {
    for (const auto& [packet_type, direction] : rows) {
      const auto datagram = Decode({.link_type = type, .sll_packet_type = packet_type});
      ASSERT_TRUE(datagram);
      EXPECT_EQ(datagram->direction, direction) << int{packet_type};
    }
  }
  EXPECT_EQ(Decode(FrameSpec{})->direction, PacketDirection::kUnknown);
}

TEST(DecodeDatagram, ScopesLinkLocalAddressesToTheInterface) {
  FrameSpec spec{.source = "fe80::7", .destination = "2001:db8::1"};
  spec.link_type = LinkType::kLinuxSll2;
  const auto cooked = Decode(spec);
  ASSERT_TRUE(cooked);
  EXPECT_EQ(cooked->ifindex, 7U);
  EXPECT_EQ(cooked->source.scope_id, 7U);
  EXPECT_EQ(cooked->destination.scope_id, 0U);

  spec.link_type = LinkType::kEthernet;
  const ByteVector frame = BuildFrame(spec, FakeInitiation());
  EXPECT_EQ(Decode(frame, spec)->source.scope_id, 0U);
  const auto bound = DecodeDatagram(frame, {.wire_length = frame.size(), .ifindex = 12});
  EXPECT_EQ(bound->source.scope_id, 12U);
  EXPECT_EQ(bound->ifindex, 12U);
}

TEST(DecodeDatagram, SurvivesEveryBitFlipAndStaysInsideTheFrame) {
  for (const LinkType type : kAllLinkTypes) {
    for (FrameSpec spec : {FrameSpec{.vlan_types = {0x8100}}, V6()}) {
      spec.link_type = type;
      ByteVector frame = BuildFrame(spec, FakeInitiation());
      const std::size_t headers = frame.size() - 148;
      for (std::size_t bit = 0; bit < headers * 8; ++bit) {
        frame[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        const auto datagram = DecodeDatagram(
            frame, {.link_type = type, .wire_length = frame.size(), .verify_ip_checksum = false});
        if (datagram) {
          const std::uint8_t* const end = datagram->payload.data() + datagram->payload.size();
          EXPECT_GE(datagram->payload.data(), frame.data() + 28);
          EXPECT_LE(end, frame.data() + frame.size());
        }
        frame[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      }
    }
  }
}

TEST(DatagramErrorLabels, AreDistinct) {
  std::set<std::string_view> labels;
  for (std::size_t value = 0; value < kDatagramErrorCount; ++value) {
    labels.insert(ToString(static_cast<DatagramError>(value)));
  }
  EXPECT_EQ(labels.size(), kDatagramErrorCount);
  EXPECT_FALSE(labels.contains("unknown"));
}

}  // namespace
}  // namespace jitwg::sniffer
