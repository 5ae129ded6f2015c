// One exchange at a time with the kernel's rtnetlink (rtnetlink(7)): a request and its
// acknowledgement, or a question and all datagrams of its answer. Knows no message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "sniffer/install/netlink_socket.h"

namespace jitwg::sniffer {

// One thread at a time. Belongs to the network namespace of the thread that opened it.
class RouteSocket {
 public:
  static Result<RouteSocket> Open();

  using Encode =
      std::function<Result<std::size_t>(std::uint32_t sequence, std::span<std::uint8_t> out)>;
  // 0: done; else a positive errno.
  int Do(const Encode& encode);

  // A dump, or a question with NLM_F_ACK. `consume` gets each datagram of the answer, aligned to 4
  // bytes; false from it ends the reading with EBADMSG. 0: all was read; else a positive errno.
  using Consume = std::function<bool(std::span<const std::uint8_t> datagram)>;
  int Ask(const Encode& encode, const Consume& consume);

 private:
  explicit RouteSocket(NetlinkSocket socket);

  NetlinkSocket socket_;
  std::uint32_t sequence_ = 0;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace jitwg::sniffer
