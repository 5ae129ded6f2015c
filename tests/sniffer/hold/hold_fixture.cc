// See hold_fixture.h.
#include "tests/sniffer/hold/hold_fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace jitwg::test {
namespace {

int MakeSocket(bool v6, sockaddr_storage& address, socklen_t& size) {
  const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  address = {};
  address.ss_family = v6 ? AF_INET6 : AF_INET;
  if (v6) {
    reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr = in6addr_loopback;
  } else {
    reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  size = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  return fd;
}

}  // namespace

std::string Shell(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");  // NOLINT(cert-env33-c)
  std::string output;
  std::array<char, 4096> chunk{};
  for (std::size_t size; (size = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
    output.append(chunk.data(), size);
  }
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return output;
}

LoopbackPair::LoopbackPair(bool v6) {
  sockaddr_storage address{};
  socklen_t size = 0;
  receiver_ = MakeSocket(v6, address, size);
  sender_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int room = 64 << 20;
  ::setsockopt(receiver_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
  ::setsockopt(sender_, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(receiver_, generic, size), 0) << std::strerror(errno);
  EXPECT_EQ(::getsockname(receiver_, generic, &size), 0);
  EXPECT_EQ(::connect(sender_, generic, size), 0) << std::strerror(errno);
  // The port is in the same place in both families.
  port_ = ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

LoopbackPair::~LoopbackPair() {
  ::close(receiver_);
  ::close(sender_);
}

void LoopbackPair::Send(const ByteVector& payload) const {
  EXPECT_EQ(::send(sender_, payload.data(), payload.size(), 0),
            static_cast<ssize_t>(payload.size()))
      << std::strerror(errno);
}

void LoopbackPair::SendBehindExtension(const ByteVector& payload) const {
  // Next header and length are the kernel's to fill; then PadN of 4 bytes.
  constexpr std::array<std::uint8_t, 8> kOptions = {0, 0, 1, 4, 0, 0, 0, 0};
  ASSERT_EQ(::setsockopt(sender_, IPPROTO_IPV6, IPV6_DSTOPTS, kOptions.data(), kOptions.size()), 0);
  Send(payload);
  ::setsockopt(sender_, IPPROTO_IPV6, IPV6_DSTOPTS, nullptr, 0);
}

std::optional<ByteVector> LoopbackPair::Receive() const {
  pollfd ready{receiver_, POLLIN, 0};
  if (::poll(&ready, 1, 5000) <= 0) return std::nullopt;
  ByteVector payload(2048);
  const ssize_t size = ::recv(receiver_, payload.data(), payload.size(), 0);
  if (size < 0) return std::nullopt;
  payload.resize(static_cast<std::size_t>(size));
  return payload;
}

bool LoopbackPair::HasReceived() const {
  pollfd ready{receiver_, POLLIN, 0};
  return ::poll(&ready, 1, 0) > 0;
}

void HoldFixture::SetUpTestSuite() {
  // Threads started from here on inherit it.
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root";
  Shell("ip link set lo up");
}

void HoldFixture::SetUp() { Shell("nft flush ruleset"); }

void HoldFixture::Open(const sniffer::HoldOptions& options,
                       const std::vector<std::uint16_t>& ports) {
  auto source = sniffer::NfqueueSource::Open(options);
  ASSERT_TRUE(source) << source.error().message;
  source_ = std::move(*source);
  const Status set = source_->SetPorts(ports);
  ASSERT_TRUE(set) << set.error().message;
}

void HoldFixture::Start() {
  runner_ = std::jthread([this](const std::stop_token& stop) {
    const Status ran =
        source_->Run([this](const sniffer::CapturedPacket& packet) { OnPacket(packet); }, stop);
    EXPECT_TRUE(ran) << ran.error().message;
  });
}

void HoldFixture::Stop() {
  if (runner_.joinable()) {
    runner_.request_stop();
    runner_.join();
  }
  source_.reset();
  ReleaseAll();
}

void HoldFixture::OnPacket(const sniffer::CapturedPacket& packet) {
  const std::lock_guard lock(mutex_);
  told_.emplace_back(packet.bytes.begin(), packet.bytes.end());
  EXPECT_EQ(packet.link_type, sniffer::LinkType::kRawIp);
  EXPECT_NE(packet.ifindex, 0u);
  EXPECT_NE(packet.lease, nullptr);
  if (keep_) leases_.push_back(packet.lease);
  changed_.notify_all();
}

bool HoldFixture::Told(std::size_t count, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] { return told_.size() >= count; });
}

ByteVector HoldFixture::BytesOf(std::size_t index) {
  const std::lock_guard lock(mutex_);
  return told_.at(index);
}

void HoldFixture::ReleaseOne() {
  const std::lock_guard lock(mutex_);
  leases_.erase(leases_.begin());
}

void HoldFixture::ReleaseAll() {
  const std::lock_guard lock(mutex_);
  leases_.clear();
}

std::size_t HoldFixture::Kept() {
  const std::lock_guard lock(mutex_);
  return leases_.size();
}

ByteVector NumberedInitiation(std::uint32_t number) {
  ByteVector payload = FakeInitiation();
  std::memcpy(payload.data() + 4, &number, sizeof(number));
  return payload;
}

}  // namespace jitwg::test
