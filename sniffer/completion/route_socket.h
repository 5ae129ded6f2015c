// One exchange at a time with the kernel's rtnetlink (rtnetlink(7)): a request and its
// acknowledgement, or the list of interfaces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "sniffer/completion/link_map.h"
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

  // Up to 65,536 interfaces; kResourceExhausted beyond.
  Result<std::vector<Link>> Links();

 private:
  explicit RouteSocket(NetlinkSocket socket);

  NetlinkSocket socket_;
  std::uint32_t sequence_ = 0;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace jitwg::sniffer
