// The live source on a veth pair, in a network namespace of this process alone. Root.
#include "sniffer/capture/pcap_source.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <thread>

#include "sniffer/capture/datagram.h"
#include "tests/support/frames.h"

namespace jitwg::sniffer {
namespace {

using namespace std::chrono_literals;
using test::ByteVector;
using test::FakeInitiation;

void Ip(const std::string& arguments) {
  const std::string command = "ip " + arguments;
  ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(cert-env33-c)
}

// A frame with an initiation, out of an interface; what goes out of vb comes in on va.
void SendFrame(const char* interface, std::uint16_t port,
               const ByteVector& payload = FakeInitiation()) {
  // One for all: closing a packet socket takes the kernel many milliseconds.
  static const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
  ByteVector frame = test::BuildFrame({.destination_port = port}, payload);
  std::fill_n(frame.begin(), 6, std::uint8_t{0xff});  // broadcast: for whoever is there
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
  ::sendto(fd, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&address),
           sizeof(address));
}

void SendOverLoopback(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const ByteVector payload = FakeInitiation();
  ::sendto(fd, payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&address),
           sizeof(address));
  ::close(fd);
}

class PcapSourceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // Threads started from here on inherit it.
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root";
    Ip("link set lo up");
  }
  void SetUp() override { AddPair(); }
  void TearDown() override {
    if (runner_.joinable()) {
      runner_.request_stop();
      runner_.join();
      EXPECT_TRUE(run_status_);
    }
    if (::if_nametoindex("va") != 0) Ip("link del va");
  }

  static void AddPair() {
    Ip("link add va type veth peer name vb");
    Ip("link set va up");
    Ip("link set vb up");
  }

  void Start(PcapOptions options, const std::vector<std::uint16_t>& ports) {
    auto source = PcapSource::Open(std::move(options));
    ASSERT_TRUE(source) << source.error().message;
    source_ = std::move(*source);
    ASSERT_TRUE(source_->SetPorts(ports));
    runner_ = std::jthread([this](const std::stop_token& stop) {
      run_status_ = source_->Run([this](const CapturedPacket& packet) { OnPacket(packet); }, stop);
    });
  }

  void OnPacket(const CapturedPacket& packet) {
    const auto datagram = DecodeDatagram(packet.bytes, {.link_type = packet.link_type,
                                                        .wire_length = packet.wire_length,
                                                        .ifindex = packet.ifindex});
    const std::lock_guard lock(mutex_);
    ports_.push_back(datagram ? datagram->destination.port : 0);
    if (datagram) last_ifindex_ = datagram->ifindex;
    last_timestamp_ = packet.timestamp;
    changed_.notify_all();
  }

  // The destination ports of the first `count` packets; waits for them.
  std::vector<std::uint16_t> FirstPorts(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 20s, [&] { return ports_.size() >= count; });
    return ports_;
  }

  // Sends to `port` on vb until one arrives: the source needs a moment to come back.
  bool ArrivesAtLast(std::uint16_t port) {
    for (int attempt = 0; attempt < 400; ++attempt) {
      SendFrame("vb", port);
      std::unique_lock lock(mutex_);
      const auto arrived = [&] { return !ports_.empty() && ports_.back() == port; };
      if (changed_.wait_for(lock, 50ms, arrived)) return true;
    }
    return false;
  }

  std::unique_ptr<PcapSource> source_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::uint16_t> ports_;
  std::uint32_t last_ifindex_ = 0;
  WallTime last_timestamp_;
  Status run_status_;
  std::jthread runner_;
};

using Ports = std::vector<std::uint16_t>;

TEST_F(PcapSourceTest, DeliversInitiationsToItsPortsAndNothingElse) {
  Start({.interface = "va"}, {51820, 443});
  SendFrame("vb", 51821);
  SendFrame("vb", 51820, ByteVector(148, 4));
  SendFrame("vb", 51820, ByteVector(1400, 1));
  SendFrame("vb", 51820);
  SendFrame("vb", 443);
  EXPECT_EQ(FirstPorts(2), (Ports{51820, 443}));
  EXPECT_EQ(last_ifindex_, ::if_nametoindex("va"));
  const PacketSourceStats stats = source_->GetStats();
  EXPECT_EQ(stats.received, 2U);
  EXPECT_EQ(stats.dropped_by_kernel, 0U);
}

TEST_F(PcapSourceTest, HandsOverInBlocksToo) {
  Start({.interface = "va", .block_timeout = 1ms}, {51820});
  SendFrame("vb", 51821);
  SendFrame("vb", 51820);
  EXPECT_EQ(FirstPorts(1), (Ports{51820}));
}

TEST_F(PcapSourceTest, AnyKnowsTheInterfaceOfEachPacket) {
  Start({.interface = "any"}, {51820});
  SendFrame("vb", 51821);
  SendFrame("vb", 51820);
  EXPECT_EQ(FirstPorts(1), (Ports{51820}));
  EXPECT_EQ(last_ifindex_, ::if_nametoindex("va"));
}

TEST_F(PcapSourceTest, SaysWhenThePacketCame) {
  for (const auto timeout : {0ms, 1ms}) {
    ports_.clear();
    Start({.interface = "va", .block_timeout = timeout}, {51820});
    const auto before =
        std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    SendFrame("vb", 51820);
    EXPECT_EQ(FirstPorts(1), (Ports{51820}));
    EXPECT_GE(last_timestamp_, before);
    EXPECT_LE(last_timestamp_, std::chrono::system_clock::now());
    runner_.request_stop();
    runner_.join();
  }
}

// One socket with such a stamp, and the kernel reads the clock for every packet of the machine.
TEST_F(PcapSourceTest, AsksForNoStampOfPacketsThatItDoesNotWant) {
  const auto live = LiveHandle::Open({.interface = "any"});
  ASSERT_TRUE(live) << live.error().message;
  for (const int option : {SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING}) {
    int value = -1;
    socklen_t size = sizeof(value);
    ASSERT_EQ(::getsockopt(live->fd(), SOL_SOCKET, option, &value, &size), 0);
    EXPECT_EQ(value, 0) << option;
  }
}

TEST_F(PcapSourceTest, LeavesOutWhatThisHostSends) {
  Start({.interface = "va"}, {51820, 443});
  SendFrame("va", 51820);
  SendFrame("vb", 443);
  EXPECT_EQ(FirstPorts(1), (Ports{443}));
}

TEST_F(PcapSourceTest, SeesAPacketOnTheLoopbackOnce) {
  for (const char* interface : {"lo", "any"}) {
    ports_.clear();
    Start({.interface = interface}, {51820, 443});
    SendOverLoopback(51820);
    SendOverLoopback(443);
    EXPECT_EQ(FirstPorts(2), (Ports{51820, 443})) << interface;
    runner_.request_stop();
    runner_.join();
  }
}

TEST_F(PcapSourceTest, PortsChangeWhileItRuns) {
  Start({.interface = "va"}, {});
  SendFrame("vb", 51820);
  ASSERT_TRUE(source_->SetPorts(Ports{51820}));
  SendFrame("vb", 51820);
  EXPECT_EQ(FirstPorts(1), (Ports{51820}));
  ASSERT_TRUE(source_->SetPorts(Ports{443}));
  SendFrame("vb", 51820);
  SendFrame("vb", 443);
  EXPECT_EQ(FirstPorts(2), (Ports{51820, 443}));
}

TEST_F(PcapSourceTest, ChangingThePortsLosesNoPacket) {
  Start({.interface = "va"}, {51820});
  for (std::uint16_t round = 0; round < 500; ++round) {
    SendFrame("vb", 51820);
    ASSERT_TRUE(source_->SetPorts(Ports{51820, static_cast<std::uint16_t>(1000 + round)}));
    SendFrame("vb", 51820);
  }
  EXPECT_EQ(FirstPorts(1000).size(), 1000U);
}

TEST_F(PcapSourceTest, ComesBackWhenTheInterfaceWasDown) {
  Start({.interface = "va"}, {51820});
  ASSERT_TRUE(ArrivesAtLast(51820));
  Ip("link set va down");
  Ip("link set va up");
  ASSERT_TRUE(source_->SetPorts(Ports{443}));
  EXPECT_TRUE(ArrivesAtLast(443));
  EXPECT_GE(source_->GetStats().received, 2U);
}

TEST_F(PcapSourceTest, ComesBackWhenTheInterfaceWasDeletedAndMadeAgain) {
  Start({.interface = "va"}, {51820});
  ASSERT_TRUE(ArrivesAtLast(51820));
  Ip("link del va");
  AddPair();
  ASSERT_TRUE(source_->SetPorts(Ports{443}));
  EXPECT_TRUE(ArrivesAtLast(443));
  EXPECT_EQ(source_->GetStats().reopened, 1U);
  EXPECT_EQ(last_ifindex_, ::if_nametoindex("va"));
}

TEST_F(PcapSourceTest, WaitsForAnInterfaceThatIsDownAtTheStart) {
  Ip("link set va down");
  Start({.interface = "va"}, {51820});
  Ip("link set va up");
  EXPECT_TRUE(ArrivesAtLast(51820));
}

TEST_F(PcapSourceTest, StopsWithoutTrafficAndWithoutAnInterface) {
  Start({.interface = "va"}, {51820});
  Ip("link del va");  // TearDown stops it and expects OK
}

TEST_F(PcapSourceTest, AnUnknownInterfaceIsRefusedAndTheKnownAreNamed) {
  const auto source = PcapSource::Open({.interface = "nosuch0"});
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  for (const char* name : {"nosuch0", "any", "lo", "va"}) {
    EXPECT_NE(source.error().message.find(name), std::string::npos) << source.error().message;
  }
}

TEST_F(PcapSourceTest, WithoutTheCapabilityItNamesIt) {
  Error error;
  // Capabilities belong to a thread.
  std::thread([&error] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    ASSERT_EQ(::syscall(SYS_capset, &header, none), 0);
    const auto source = PcapSource::Open({.interface = "va"});
    ASSERT_FALSE(source);
    error = source.error();
  }).join();
  EXPECT_EQ(error.code, ErrorCode::kPermissionDenied);
  EXPECT_NE(error.message.find("CAP_NET_RAW"), std::string::npos) << error.message;
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace jitwg::sniffer
