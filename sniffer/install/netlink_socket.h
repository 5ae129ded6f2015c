// One generic netlink socket for one exchange: sends a request, receives datagrams of the kernel's
// with a deadline. Knows nothing of WireGuard.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/result.h"

struct mnl_socket;

namespace jitwg::sniffer {

// Closing it ends an unfinished dump, which would block the deletion of the interface. It belongs
// to the network namespace of the thread that opened it. One thread at a time.
class NetlinkSocket {
 public:
  // `groups`: the bits of the multicast groups to listen to.
  static Result<NetlinkSocket> Open(int protocol, unsigned groups = 0);
  NetlinkSocket(NetlinkSocket&& other) noexcept;
  NetlinkSocket& operator=(NetlinkSocket&&) = delete;
  ~NetlinkSocket();

  // 0 or a positive errno.
  int Send(std::span<const std::uint8_t> message);

  struct Received {
    int errno_value = 0;  // EAGAIN: nothing came in time; ENOBUFS: datagrams were lost
    std::size_t size = 0;
  };
  // The next datagram that the kernel itself sent; others are passed over.
  Received Receive(std::span<std::uint8_t> into, std::chrono::milliseconds timeout);

  int descriptor() const;

 private:
  explicit NetlinkSocket(mnl_socket* socket) : socket_(socket) {}
  mnl_socket* socket_;
};

}  // namespace jitwg::sniffer
