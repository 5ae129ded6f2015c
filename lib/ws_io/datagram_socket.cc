#include "lib/ws_io/datagram_socket.h"

#include <unistd.h>

#include <cerrno>
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

void SendBatch::Add(std::span<const std::uint8_t> datagram) {
  // sendmmsg(2) does not write through it.
  parts_[count_] = {const_cast<std::uint8_t*>(datagram.data()), datagram.size()};
  ++count_;
}

std::size_t SendBatch::Flush(int descriptor, const sockaddr* to, socklen_t to_length) {
  for (std::size_t i = 0; i < count_; ++i) {
    messages_[i] = {};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_name = const_cast<sockaddr*>(to);
    messages_[i].msg_hdr.msg_namelen = to_length;
  }
  std::size_t done = 0;
  std::size_t lost = 0;
  bool retried = false;
  while (done < count_) {
    const int sent = ::sendmmsg(descriptor, &messages_[done], static_cast<unsigned>(count_ - done),
                                MSG_NOSIGNAL);
    if (sent > 0) {
      done += static_cast<std::size_t>(sent);
      retried = false;
    } else if (errno == EINTR || (errno == ECONNREFUSED && !std::exchange(retried, true))) {
      // Refused: news of an earlier datagram; this one gets a second try.
      continue;
    } else {
      ++done;
      ++lost;
      retried = false;
    }
  }
  count_ = 0;
  return lost;
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
