#include "tests/bench/data_path.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "lib/base/net.h"

namespace jitwg::bench {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kInitiationSize = 148;
constexpr std::uint8_t kInitiationType = 1;
constexpr std::uint8_t kDataType = 4;

double Nanoseconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// A socket belongs to the namespace that it was made in, wherever the thread goes later.
Result<int> SocketIn(const std::string& netns, bool is_v4) {
  const int home = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  const int there = ::open(netns.c_str(), O_RDONLY | O_CLOEXEC);
  const bool entered = there >= 0 && ::setns(there, CLONE_NEWNET) == 0;
  const int entering = errno;
  const int fd = entered ? ::socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
  const int making = errno;
  const bool is_back = ::setns(home, CLONE_NEWNET) == 0;
  ::close(home);
  if (there >= 0) ::close(there);
  if (!entered) return ErrnoError("entering the network namespace " + netns, entering);
  if (fd < 0) return ErrnoError("socket", making);
  if (is_back) return fd;
  ::close(fd);
  return Error{ErrorCode::kInternal, "no way back into the own network namespace"};
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress Make(const IpAddress& address, std::uint16_t port) {
  SocketAddress made;
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::copy(address.bytes().begin(), address.bytes().end(),
              reinterpret_cast<std::uint8_t*>(&v4.sin_addr));
    made.length = sizeof(v4);
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(made.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::copy(address.bytes().begin(), address.bytes().end(), v6.sin6_addr.s6_addr);
    made.length = sizeof(v6);
  }
  return made;
}

// What the filter refuses is counted as dropped: the cheapest way to see that it came.
Status KeepNothing(int fd) {
  sock_filter nothing{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &nothing};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0) return {};
  return ErrnoError("a filter for the receiving socket", errno);
}

}  // namespace

Result<DataPath> DataPath::Open(const End& from, const End& to, std::uint16_t port,
                                std::size_t size) {
  const auto source = IpAddress::Parse(from.address);
  const auto target = IpAddress::Parse(to.address);
  if (!source) return source.error();
  if (!target) return target.error();
  const auto sender = SocketIn(from.netns, source->is_v4());
  if (!sender) return sender.error();
  const auto receiver = SocketIn(to.netns, target->is_v4());
  if (!receiver) {
    ::close(*sender);
    return receiver.error();
  }
  DataPath path(*sender, *receiver, size);
  const SocketAddress here = Make(*source, 0);
  const SocketAddress there = Make(*target, port);
  if (const Status status = KeepNothing(path.receiver_); !status) return status.error();
  if (::bind(path.receiver_, there.get(), there.length) != 0 ||
      ::bind(path.sender_, here.get(), here.length) != 0 ||
      ::connect(path.sender_, there.get(), there.length) != 0) {
    return ErrnoError("sockets from " + from.address + " to " + to.address, errno);
  }
  return path;
}

DataPath::DataPath(int sender, int receiver, std::size_t size)
    : sender_(sender), receiver_(receiver), packet_(std::max(size, kInitiationSize)) {
  packet_[0] = kDataType;
}

DataPath::DataPath(DataPath&& other) noexcept
    : sender_(std::exchange(other.sender_, -1)),
      receiver_(std::exchange(other.receiver_, -1)),
      packet_(std::move(other.packet_)) {}

DataPath::~DataPath() {
  if (sender_ >= 0) ::close(sender_);
  if (receiver_ >= 0) ::close(receiver_);
}

std::uint64_t DataPath::Arrived() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> values{};
  socklen_t size = sizeof(values);
  ::getsockopt(receiver_, SOL_SOCKET, SO_MEMINFO, values.data(), &size);
  return values[SK_MEMINFO_DROPS];
}

DataPath::Slice DataPath::Send(std::uint64_t packets) const {
  // One packet's bytes for all: the kernel copies them anyway.
  iovec bytes{const_cast<std::uint8_t*>(packet_.data()), packet_.size()};
  std::array<mmsghdr, kBatch> messages{};
  for (mmsghdr& message : messages) {
    message.msg_hdr.msg_iov = &bytes;
    message.msg_hdr.msg_iovlen = 1;
  }
  Slice slice;
  const std::uint64_t arrived = Arrived();
  const double cpu = Nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  const double wall = Nanoseconds(CLOCK_MONOTONIC);
  while (slice.sent < packets) {
    const auto count = static_cast<unsigned>(std::min<std::uint64_t>(packets - slice.sent, kBatch));
    const int sent = ::sendmmsg(sender_, messages.data(), count, 0);
    if (sent <= 0) break;
    slice.sent += static_cast<std::uint64_t>(sent);
  }
  const double each = 1.0 / static_cast<double>(std::max<std::uint64_t>(slice.sent, 1));
  slice.wall_ns = (Nanoseconds(CLOCK_MONOTONIC) - wall) * each;
  slice.cpu_ns = (Nanoseconds(CLOCK_THREAD_CPUTIME_ID) - cpu) * each;
  slice.arrived = static_cast<std::uint32_t>(Arrived() - arrived);
  return slice;
}

bool DataPath::SendInitiation() const {
  std::array<std::uint8_t, kInitiationSize> initiation{kInitiationType};
  return ::send(sender_, initiation.data(), initiation.size(), 0) ==
         static_cast<ssize_t>(initiation.size());
}

}  // namespace jitwg::bench
