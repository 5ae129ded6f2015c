// The filter is judged by running it: compiled as the live source compiles it, on generated
// packets.
#include "sniffer/capture/filter.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <memory>
#include <random>

#include "tests/support/frames.h"

namespace jitwg::sniffer {
namespace {

using test::BuildFrame;
using test::ByteVector;
using test::FakeInitiation;
using test::FrameSpec;

constexpr LinkType kLiveLinkTypes[] = {LinkType::kEthernet, LinkType::kRawIp, LinkType::kLinuxSll,
                                       LinkType::kLinuxSll2};

class Filter {
 public:
  Filter(const std::vector<std::uint16_t>& ports, LinkType link_type)
      : handle_(::pcap_open_dead(DltOf(link_type), 256), &::pcap_close) {
    const std::string text = InitiationFilter(ports, link_type);
    compiled_ =
        ::pcap_compile(handle_.get(), &program_, text.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0;
    EXPECT_TRUE(compiled_) << text << ": " << ::pcap_geterr(handle_.get());
  }
  ~Filter() { ::pcap_freecode(&program_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  // As if captured with the snap length of the live source.
  bool Passes(const ByteVector& frame) const {
    pcap_pkthdr header{};
    header.len = static_cast<bpf_u_int32>(frame.size());
    header.caplen = std::min<bpf_u_int32>(header.len, 256);
    return compiled_ && ::pcap_offline_filter(&program_, &header, frame.data()) != 0;
  }
  bool Passes(const FrameSpec& spec, const ByteVector& payload = FakeInitiation()) const {
    return Passes(BuildFrame(spec, payload));
  }
  unsigned length() const { return program_.bf_len; }

 private:
  std::unique_ptr<pcap_t, void (*)(pcap_t*)> handle_;
  bpf_program program_{};
  bool compiled_ = false;
};

std::vector<FrameSpec> BothFamilies(LinkType type, std::uint16_t port = 51820) {
  return {{.link_type = type, .destination_port = port},
          {.link_type = type,
           .source = "2001:db8::7",
           .destination = "2001:db8:1::1",
           .destination_port = port}};
}

TEST(InitiationFilter, PassesInitiationsOfBothFamilies) {
  for (const LinkType type : kLiveLinkTypes) {
    const Filter filter({51820}, type);
    for (const FrameSpec& spec : BothFamilies(type)) {
      EXPECT_TRUE(filter.Passes(spec)) << ToString(type) << " " << spec.source;
    }
  }
}

TEST(InitiationFilter, PassesEachOfSeveralPortsAndNoOther) {
  for (const LinkType type : kLiveLinkTypes) {
    const Filter filter({51820, 443, 65535, 1, 443}, type);
    for (const std::uint16_t port :
         std::initializer_list<std::uint16_t>{51820, 443, 65535, 1, 51821, 444, 2}) {
      const bool wanted = port == 51820 || port == 443 || port == 65535 || port == 1;
      for (const FrameSpec& spec : BothFamilies(type, port)) {
        EXPECT_EQ(filter.Passes(spec), wanted) << ToString(type) << " " << port;
      }
    }
  }
}

TEST(InitiationFilter, LooksAtTheDestinationPortOnly) {
  const Filter filter({51820}, LinkType::kEthernet);
  for (FrameSpec spec : BothFamilies(LinkType::kEthernet, 7)) {
    spec.source_port = 51820;
    EXPECT_FALSE(filter.Passes(spec));
  }
}

TEST(InitiationFilter, LengthGateLeavesRoomForOptionsPaddingAndReinsertedVlanTags) {
  for (const LinkType type : kLiveLinkTypes) {
    const Filter filter({51820}, type);
    EXPECT_TRUE(filter.Passes(FrameSpec{.link_type = type, .ipv4_options = ByteVector(40, 1)}));
    EXPECT_TRUE(filter.Passes(FrameSpec{.link_type = type, .trailer = ByteVector(12, 0)}));
    EXPECT_TRUE(filter.Passes(FrameSpec{
        .link_type = type, .ipv4_options = ByteVector(40, 1), .trailer = ByteVector(8, 0)}));
  }
}

TEST(InitiationFilter, RefusesOtherMessagesAndLengths) {
  for (const LinkType type : kLiveLinkTypes) {
    const Filter filter({51820}, type);
    for (const FrameSpec& spec : BothFamilies(type)) {
      for (const std::uint8_t message_type : std::initializer_list<std::uint8_t>{0, 2, 3, 4, 255}) {
        ByteVector payload = FakeInitiation();
        payload[0] = message_type;
        EXPECT_FALSE(filter.Passes(spec, payload)) << int{message_type};
      }
      for (const std::size_t reserved : {1U, 2U, 3U}) {
        ByteVector payload = FakeInitiation();
        payload[reserved] = 1;
        EXPECT_FALSE(filter.Passes(spec, payload)) << reserved;
      }
      for (std::size_t size = 0; size < 1500; size += size < 256 ? 1 : 97) {
        ByteVector payload = FakeInitiation();
        payload.resize(size);
        EXPECT_EQ(filter.Passes(spec, payload), size == 148) << size;
      }
    }
  }
}

TEST(InitiationFilter, RefusesLaterFragmentsOtherProtocolsAndExtensionHeaders) {
  const Filter filter({51820}, LinkType::kEthernet);
  EXPECT_FALSE(filter.Passes(FrameSpec{.fragment_field = 0x0001}));
  EXPECT_FALSE(filter.Passes(FrameSpec{.protocol = 6}));
  FrameSpec extended = BothFamilies(LinkType::kEthernet)[1];
  extended.first_next_header = 60;
  extended.extension_headers = {17, 0, 1, 4, 0, 0, 0, 0};
  EXPECT_FALSE(filter.Passes(extended));
}

TEST(InitiationFilter, PassesNothingWithoutPorts) {
  for (const LinkType type : kLiveLinkTypes) {
    for (const auto& ports : {std::vector<std::uint16_t>{}, std::vector<std::uint16_t>{0}}) {
      const Filter filter(ports, type);
      for (const std::uint16_t port : std::initializer_list<std::uint16_t>{0, 51820}) {
        for (const FrameSpec& spec : BothFamilies(type, port)) {
          EXPECT_FALSE(filter.Passes(spec));
        }
      }
      EXPECT_FALSE(filter.Passes(ByteVector{}));
      EXPECT_FALSE(filter.Passes(ByteVector(1, 0)));
    }
  }
}

TEST(InitiationFilter, StaysWithinTheKernelsLimitForManyPorts) {
  std::vector<std::uint16_t> ports;
  for (std::uint16_t port = 50000; port < 50256; ++port) ports.push_back(port);
  const Filter filter(ports, LinkType::kEthernet);
  EXPECT_LE(filter.length(), 4096U);  // BPF_MAXINSNS
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{50000, 50128, 50255}) {
    for (const FrameSpec& spec : BothFamilies(LinkType::kEthernet, port)) {
      EXPECT_TRUE(filter.Passes(spec)) << port;
    }
  }
  EXPECT_FALSE(filter.Passes(BothFamilies(LinkType::kEthernet, 49999)[0]));
}

// On a cooked socket the kernel runs the raw-IP program on the packet without its cooked header.
TEST(InitiationFilter, RawIpProgramOfACookedLinkPassesTheBarePacket) {
  const std::string cooked =
      InitiationFilter(std::vector<std::uint16_t>{51820}, LinkType::kLinuxSll2);
  EXPECT_EQ(cooked, InitiationFilter(std::vector<std::uint16_t>{51820}, LinkType::kRawIp));
}

TEST(InitiationFilter, NeverPassesRandomBytes) {
  std::mt19937 random(20);
  const Filter filter({51820}, LinkType::kEthernet);
  for (int round = 0; round < 20000; ++round) {
    ByteVector frame(random() % 300);
    for (std::uint8_t& byte : frame) byte = static_cast<std::uint8_t>(random());
    EXPECT_FALSE(filter.Passes(frame));
  }
}

}  // namespace
}  // namespace jitwg::sniffer
