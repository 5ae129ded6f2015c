#include "lib/ws_io/datagram_socket.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/ws_io/socket_address.h"

namespace jitwg::ws {
namespace {

Result<Descriptor> OpenDatagrams(const Endpoint& endpoint) {
  const int family = endpoint.address.is_v4() ? AF_INET : AF_INET6;
  Descriptor socket(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return ErrnoError("cannot open a UDP socket", errno);
  return socket;
}

Status Bind(int descriptor, const Endpoint& local) {
  const SocketAddress address = ToSocketAddress(local);
  if (::bind(descriptor, address.get(), address.length) == 0) return {};
  return ErrnoError("cannot bind a UDP socket to " + local.ToString(), errno);
}

// Of a segmented packet's payload. A packet of either family has room for it, and kBatch segments
// are no more than any kernel takes.
constexpr std::size_t kMaxSegmented = 65'487;

bool IsTransportData(const iovec& datagram) {
  static constexpr std::array<std::uint8_t, 4> kType = {4, 0, 0, 0};
  return datagram.iov_len >= kType.size() &&
         std::memcmp(datagram.iov_base, kType.data(), kType.size()) == 0;
}

msghdr MessageOf(iovec* parts, std::size_t count, const sockaddr* to, socklen_t to_length) {
  msghdr header{};
  header.msg_iov = parts;
  header.msg_iovlen = count;
  header.msg_name = const_cast<sockaddr*>(to);
  header.msg_namelen = to_length;
  return header;
}

std::size_t SendAll(int descriptor, std::span<mmsghdr> messages);

// A message that the kernel refused: its datagrams by themselves, if there are several (the route's
// MTU may be too small, or the device unable to make checksums). How many were lost.
std::size_t SendApart(int descriptor, const msghdr& refused) {
  if (refused.msg_iovlen == 1) return 1;
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < refused.msg_iovlen; ++i) {
    messages[i].msg_hdr = MessageOf(&refused.msg_iov[i], 1,
                                    static_cast<sockaddr*>(refused.msg_name), refused.msg_namelen);
  }
  return SendAll(descriptor, std::span(messages).first(refused.msg_iovlen));
}

// How many datagrams were lost.
std::size_t SendAll(int descriptor, std::span<mmsghdr> messages) {
  std::size_t lost = 0;
  bool retried = false;
  while (!messages.empty()) {
    const int sent = ::sendmmsg(descriptor, messages.data(), static_cast<unsigned>(messages.size()),
                                MSG_NOSIGNAL);
    if (sent < 0 && (errno == EINTR || (errno == ECONNREFUSED && !std::exchange(retried, true)))) {
      // Refused: news of an earlier datagram; this one gets a second try.
      continue;
    }
    if (sent <= 0) lost += SendApart(descriptor, messages.front().msg_hdr);
    messages = messages.subspan(sent > 0 ? static_cast<std::size_t>(sent) : 1);
    retried = false;
  }
  return lost;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.Release();
  }
  return *this;
}

int Descriptor::Release() { return std::exchange(number_, -1); }

Result<Descriptor> ConnectDatagrams(const Endpoint& target,
                                    const std::optional<IpAddress>& source) {
  auto socket = OpenDatagrams(target);
  if (!socket) return socket;
  if (source) {
    if (const Status bound = Bind(socket->get(), {*source, 0}); !bound) return bound.error();
  }
  const SocketAddress address = ToSocketAddress(target);
  if (::connect(socket->get(), address.get(), address.length) == 0) return socket;
  const int problem = errno;
  return ErrnoError("cannot send to " + target.ToString() +
                        (source ? " from " + source->ToString() : std::string()),
                    problem);
}

Result<Descriptor> BindDatagrams(const Endpoint& local) {
  auto socket = OpenDatagrams(local);
  if (!socket) return socket;
  if (const Status bound = Bind(socket->get(), local); !bound) return bound.error();
  return socket;
}

bool KernelSegments() {
  static const bool known = [] {
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    int size = 0;
    socklen_t length = sizeof(size);
    return ::getsockopt(socket.get(), SOL_UDP, UDP_SEGMENT, &size, &length) == 0;
  }();
  return known;
}

void SendBatch::Add(std::span<const std::uint8_t> datagram) {
  // sendmmsg(2) does not write through it.
  parts_[count_] = {const_cast<std::uint8_t*>(datagram.data()), datagram.size()};
  ++count_;
}

// How many datagrams from the `first` on make one packet: all of one length, the last may be
// shorter.
std::size_t SendBatch::RunFrom(std::size_t first) const {
  if (!segments_ || !IsTransportData(parts_[first])) return 1;
  const std::size_t size = parts_[first].iov_len;
  std::size_t total = size;
  std::size_t next = first + 1;
  while (next < count_ && parts_[next - 1].iov_len == size && parts_[next].iov_len <= size &&
         IsTransportData(parts_[next]) && total + parts_[next].iov_len <= kMaxSegmented) {
    total += parts_[next].iov_len;
    ++next;
  }
  return next - first;
}

// Makes the messages out of the parts; how many there are.
std::size_t SendBatch::Compose(const sockaddr* to, socklen_t to_length) {
  std::size_t messages = 0;
  for (std::size_t first = 0; first < count_;) {
    const std::size_t run = RunFrom(first);
    msghdr& header = messages_[messages].msg_hdr;
    header = MessageOf(&parts_[first], run, to, to_length);
    if (run > 1) {
      header.msg_control = controls_[messages].data();
      header.msg_controllen = controls_[messages].size();
      cmsghdr* const control = CMSG_FIRSTHDR(&header);
      control->cmsg_level = SOL_UDP;
      control->cmsg_type = UDP_SEGMENT;
      control->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
      const auto size = static_cast<std::uint16_t>(parts_[first].iov_len);
      std::memcpy(CMSG_DATA(control), &size, sizeof(size));
    }
    first += run;
    ++messages;
  }
  return messages;
}

std::size_t SendBatch::Flush(int descriptor, const sockaddr* to, socklen_t to_length) {
  const std::size_t messages = Compose(to, to_length);
  count_ = 0;
  return SendAll(descriptor, std::span(messages_).first(messages));
}

ReceiveBatch::ReceiveBatch(std::size_t max_datagram)
    : max_datagram_(max_datagram), memory_(max_datagram * kBatch) {}

std::size_t ReceiveBatch::Receive(int descriptor) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    parts_[i] = {&memory_[i * max_datagram_], max_datagram_};
    messages_[i] = {};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_name = &senders_[i];
    messages_[i].msg_hdr.msg_namelen = sizeof(senders_[i]);
  }
  const int got = ::recvmmsg(descriptor, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
  failed_ = got < 0 && errno != EAGAIN && errno != EINTR;
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

std::span<const std::uint8_t> ReceiveBatch::datagram(std::size_t index) const {
  return std::span<const std::uint8_t>(memory_).subspan(index * max_datagram_,
                                                        messages_[index].msg_len);
}

bool ReceiveBatch::truncated(std::size_t index) const {
  return (messages_[index].msg_hdr.msg_flags & MSG_TRUNC) != 0;
}

}  // namespace jitwg::ws
