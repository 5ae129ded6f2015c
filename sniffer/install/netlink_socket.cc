// See netlink_socket.h.
#include "sniffer/install/netlink_socket.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace jitwg::sniffer {

Result<NetlinkSocket> NetlinkSocket::Open(int protocol, unsigned groups) {
  mnl_socket* raw = mnl_socket_open2(protocol, SOCK_CLOEXEC);
  if (raw == nullptr) return ErrnoError("cannot open a netlink socket", errno);
  NetlinkSocket socket(raw);
  // Without it the acknowledgement of an error repeats the whole request, keys and all.
  int on = 1;
  if (mnl_socket_setsockopt(raw, NETLINK_CAP_ACK, &on, sizeof(on)) < 0) {
    return ErrnoError("cannot set up a netlink socket", errno);
  }
  if (mnl_socket_bind(raw, groups, MNL_SOCKET_AUTOPID) < 0) {
    return ErrnoError("cannot bind a netlink socket", errno);
  }
  return socket;
}

NetlinkSocket::NetlinkSocket(NetlinkSocket&& other) noexcept
    : socket_(std::exchange(other.socket_, nullptr)) {}

NetlinkSocket::~NetlinkSocket() {
  if (socket_ != nullptr) mnl_socket_close(socket_);
}

int NetlinkSocket::descriptor() const { return mnl_socket_get_fd(socket_); }

int NetlinkSocket::Send(std::span<const std::uint8_t> message) {
  while (mnl_socket_sendto(socket_, message.data(), message.size()) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

NetlinkSocket::Received NetlinkSocket::Receive(std::span<std::uint8_t> into,
                                               std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ready{descriptor(), POLLIN, 0};
    const int count = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
    if (count == 0) return {EAGAIN, 0};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return {errno, 0};
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof(sender);
    // MSG_TRUNC: the true length comes back, so that a cut datagram is noticed.
    const auto size = ::recvfrom(descriptor(), into.data(), into.size(), MSG_TRUNC | MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&sender), &sender_size);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size < 0) return {errno, 0};
    if (sender.nl_pid != 0) continue;
    if (static_cast<std::size_t>(size) > into.size()) return {EMSGSIZE, 0};
    return {0, static_cast<std::size_t>(size)};
  }
}

}  // namespace jitwg::sniffer
