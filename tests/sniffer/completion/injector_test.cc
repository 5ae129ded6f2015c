// Packets given to the real kernel again, in network namespaces of the test's own. Needs root.
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "sniffer/completion/injector_factory.h"
#include "sniffer/completion/mirred_injector.h"
#include "sniffer/completion/raw_injector.h"
#include "tests/sniffer/install/netns_harness.h"
#include "tests/support/frames.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::RunProgram;

constexpr std::uint16_t kPort = 51820;
constexpr const char* kStateDir = "/run/jitwg/test";

struct Arrival {
  test::ByteVector payload;
  std::uint16_t source_port = 0;
  unsigned ifindex = 0;
  std::array<std::uint8_t, 4> destination{};  // IPv4
};

// A UDP socket for both families that tells where each datagram came in.
class Receiver {
 public:
  Receiver() {
    const int on = 1;
    const int off = 0;
    ::setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    ::setsockopt(socket_, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(kPort);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Receiver() { ::close(socket_); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::optional<Arrival> Next() const {
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, 5000) != 1) return std::nullopt;
    test::ByteVector payload(2048);
    sockaddr_in6 from{};
    std::array<char, 256> control{};
    iovec data{payload.data(), payload.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_, &message, 0);
    if (size < 0) return std::nullopt;
    payload.resize(static_cast<std::size_t>(size));
    Arrival arrival{payload, ntohs(from.sin6_port), 0, {}};
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_type != IPV6_PKTINFO) continue;
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(c), sizeof(info));
      arrival.ifindex = info.ipi6_ifindex;
      std::memcpy(arrival.destination.data(), info.ipi6_addr.s6_addr + 12, 4);
    }
    return arrival;
  }

 private:
  const int socket_ = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

class InjectorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "run as root";
    Run("ip link set lo up");
    Run("ip link add v0 type veth peer name v1");
    Run("ip link set v0 up");
    Run("ip link set v1 up");
    Address("v0");
  }

  static void Run(const std::string& line) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      words.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    ASSERT_TRUE(RunProgram(words)) << line;
  }

  // Two IPv4 addresses and an IPv6 one, and the way back to the client.
  static void Address(const std::string& interface) {
    Run("ip addr add 198.51.100.1/24 dev " + interface);
    Run("ip addr add 198.51.100.9/24 dev " + interface);
    Run("ip addr add 2001:db8::1/64 nodad dev " + interface);
  }

  static test::FrameSpec FromClient(bool v6 = false) {
    test::FrameSpec spec;
    spec.source = v6 ? "2001:db8::7" : "198.51.100.7";
    spec.destination = v6 ? "2001:db8::1" : "198.51.100.9";
    spec.destination_port = kPort;
    return spec;
  }

  static OriginalPacket SeenOn(const std::string& interface, const test::FrameSpec& spec) {
    test::ByteVector frame = test::BuildFrame(spec, test::FakeInitiation());
    const auto datagram = DecodeDatagram(
        frame, {spec.link_type, frame.size(), ::if_nametoindex(interface.c_str()), true});
    EXPECT_TRUE(datagram);
    // As a capture on the sender's own host shows it: the checksum is not there yet.
    const auto at = static_cast<std::size_t>(datagram->payload.data() - frame.data()) - 2;
    frame[at] ^= 0x5a;
    return OriginalPacket(*datagram, nullptr);
  }

  static std::unique_ptr<PacketInjector> Mirred() {
    auto injector = MirredInjector::Open(kStateDir);
    EXPECT_TRUE(injector) << injector.error().message;
    return injector ? std::move(*injector) : nullptr;
  }

  static void ExpectArrival(PacketInjector& injector, const OriginalPacket& packet,
                            const Receiver& receiver, const std::string& interface) {
    const Status injected = injector.Inject(packet);
    ASSERT_TRUE(injected) << injected.error().message;
    auto arrival = receiver.Next();
    if (!arrival) {
      // A link that was made just now loses what comes before the kernel has started its queue.
      ASSERT_TRUE(injector.Inject(packet));
      arrival = receiver.Next();
    }
    ASSERT_TRUE(arrival) << "nothing came";
    EXPECT_EQ(arrival->payload, test::FakeInitiation());
    EXPECT_EQ(arrival->source_port, 40000);
    if (interface.empty()) return;
    EXPECT_EQ(arrival->ifindex, ::if_nametoindex(interface.c_str()));
  }

  static bool HelperIsThere() {
    return ::if_nametoindex(MirredInjector::HelperName(kStateDir).c_str()) != 0;
  }
};

TEST_F(InjectorTest, MirredComesInWhereThePacketWasSeen) {
  const auto injector = Mirred();
  ASSERT_NE(injector, nullptr);
  const Receiver receiver;
  ExpectArrival(*injector, SeenOn("v0", FromClient()), receiver, "v0");
  ExpectArrival(*injector, SeenOn("v0", FromClient(true)), receiver, "v0");
}

TEST_F(InjectorTest, MirredKeepsTheAddressThatWasCalled) {
  const auto injector = Mirred();
  ASSERT_NE(injector, nullptr);
  const Receiver receiver;
  ASSERT_TRUE(injector->Inject(SeenOn("v0", FromClient())));
  const auto arrival = receiver.Next();
  ASSERT_TRUE(arrival);
  EXPECT_EQ(arrival->destination, (std::array<std::uint8_t, 4>{198, 51, 100, 9}));
}

TEST_F(InjectorTest, MirredPassesAStrictReversePathFilter) {
  Run("sysctl -q -w net.ipv4.conf.all.rp_filter=1");
  Run("sysctl -q -w net.ipv4.conf.v0.rp_filter=1");
  const auto injector = Mirred();
  ASSERT_NE(injector, nullptr);
  const Receiver receiver;
  ExpectArrival(*injector, SeenOn("v0", FromClient()), receiver, "v0");
}

TEST_F(InjectorTest, MirredGivesAMembersPacketToItsBridgeAndSendsNothingOn) {
  Run("ip link add br0 type bridge");
  Run("ip link set br0 up");
  Run("ip addr flush dev v0");
  Run("ip link set v0 master br0");
  Address("br0");
  const auto injector = Mirred();
  ASSERT_NE(injector, nullptr);
  const Receiver receiver;
  ExpectArrival(*injector, SeenOn("v0", FromClient()), receiver, "br0");
}

TEST_F(InjectorTest, HelperGoesWithTheInjectorAndAfterACrashAtTheNextStart) {
  {
    const auto injector = Mirred();
    EXPECT_TRUE(HelperIsThere());
  }
  EXPECT_FALSE(HelperIsThere());
  auto crashed = Mirred();
  ASSERT_NE(crashed, nullptr);
  const unsigned old = ::if_nametoindex(MirredInjector::HelperName(kStateDir).c_str());
  const auto next = Mirred();
  ASSERT_NE(next, nullptr);
  EXPECT_NE(::if_nametoindex(MirredInjector::HelperName(kStateDir).c_str()), old);
  MirredInjector::CleanUp(kStateDir);
  EXPECT_FALSE(HelperIsThere());
}

TEST_F(InjectorTest, TwoSniffersOfOneHostHaveTheirOwnHelpers) {
  const auto first = Mirred();
  auto second = MirredInjector::Open("/run/jitwg/other");
  ASSERT_TRUE(second) << second.error().message;
  const Receiver receiver;
  ExpectArrival(*first, SeenOn("v0", FromClient()), receiver, "v0");
  ExpectArrival(**second, SeenOn("v0", FromClient()), receiver, "v0");
}

TEST_F(InjectorTest, ManyInterfacesThatComeAndGoDoNotPileUpFilters) {
  const auto injector = Mirred();
  ASSERT_NE(injector, nullptr);
  const Receiver receiver;
  for (int i = 0; i < 300; ++i) {
    Run("ip link add w0 type veth peer name w1");
    Run("ip link set w0 up");
    static_cast<void>(injector->Inject(SeenOn("w0", FromClient())));
    Run("ip link del w0");
  }
  const auto filters =
      RunProgram({"tc", "filter", "show", "dev", MirredInjector::HelperName(kStateDir), "egress"});
  ASSERT_TRUE(filters);
  std::size_t count = 0;
  for (std::size_t at = 0; (at = filters->find("mirred", at)) != std::string::npos; ++at) ++count;
  EXPECT_GT(count, 0U);
  EXPECT_LE(count, 257U);
}

TEST_F(InjectorTest, APacketOfAnInterfaceThatIsGoneIsRefused) {
  const auto injector = Mirred();
  ASSERT_NE(injector, nullptr);
  const OriginalPacket packet = SeenOn("v0", FromClient());
  Run("ip link del v0");
  const Status injected = injector->Inject(packet);
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code, ErrorCode::kUnavailable);
}

TEST_F(InjectorTest, WhatWasSeenOnTheLoopbackComesInOverTheLoopback) {
  const auto injector = Mirred();
  ASSERT_NE(injector, nullptr);
  const Receiver receiver;
  test::FrameSpec spec = FromClient();
  spec.source = "127.64.1.2";
  spec.destination = "127.0.0.1";
  ExpectArrival(*injector, SeenOn("lo", spec), receiver, "lo");
}

TEST_F(InjectorTest, RawComesInOverTheLoopback) {
  auto injector = RawInjector::Open();
  ASSERT_TRUE(injector) << injector.error().message;
  const Receiver receiver;
  // On which interface is the kernel's affair: what came over the loopback is told as of another.
  ExpectArrival(**injector, SeenOn("v0", FromClient()), receiver, "");
  ExpectArrival(**injector, SeenOn("v0", FromClient(true)), receiver, "");
}

TEST_F(InjectorTest, AutoTakesMirredAndSaysNothing) {
  std::string problem;
  const auto injector = MakeInjector({"auto", kStateDir}, problem);
  ASSERT_NE(injector, nullptr);
  EXPECT_EQ(injector->name(), "mirred") << problem;
  EXPECT_EQ(problem, "");
  EXPECT_EQ(MakeInjector({"raw", kStateDir}, problem)->name(), "raw");
}

// Not every kernel has VLANs: these run in the virtual machine alone.
using InjectorVlanTest = InjectorTest;

TEST_F(InjectorVlanTest, MirredGivesATaggedPacketToItsVlanInterface) {
  Run("ip link add link v0 name v0.5 type vlan id 5");
  Run("ip link set v0.5 up");
  Run("ip addr flush dev v0");
  Address("v0.5");
  const auto injector = Mirred();
  ASSERT_NE(injector, nullptr);
  const Receiver receiver;
  test::FrameSpec spec = FromClient();
  spec.vlan_types = {0x8100};
  OriginalPacket tagged = SeenOn("v0", spec);
  // FrameSpec's first tag has an id of its own choice.
  const auto id =
      static_cast<unsigned>((tagged.link_payload()[0] << 8 | tagged.link_payload()[1]) & 0x0fff);
  Run("ip link del v0.5");
  Run("ip link add link v0 name v0.5 type vlan id " + std::to_string(id));
  Run("ip link set v0.5 up");
  Address("v0.5");
  ExpectArrival(*injector, tagged, receiver, "v0.5");
}

}  // namespace
}  // namespace jitwg::sniffer
