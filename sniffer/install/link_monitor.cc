// See link_monitor.h.
#include "sniffer/install/link_monitor.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

namespace jitwg::sniffer {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kEventSize = 65536;
constexpr std::chrono::milliseconds kStopCheck{250};

}  // namespace

Result<std::unique_ptr<LinkMonitor>> LinkMonitor::Open() {
  auto socket = NetlinkSocket::Open(NETLINK_ROUTE, RTMGRP_LINK);
  if (!socket) return socket.error();
  return std::unique_ptr<LinkMonitor>(new LinkMonitor(std::move(*socket)));
}

Status LinkMonitor::Run(const std::stop_token& stop, const LinkListener& listener) {
  std::vector<std::uint8_t> buffer(kEventSize);
  while (!stop.stop_requested()) {
    const auto received = socket_.Receive(buffer, kStopCheck);
    if (received.errno_value == EAGAIN) continue;
    const bool lost = received.errno_value == ENOBUFS || received.errno_value == EMSGSIZE;
    if (received.errno_value != 0 && !lost) {
      return ErrnoError("cannot listen to changes of network interfaces", received.errno_value);
    }
    if (lost || !ParseLinkEvents(Bytes(buffer).first(received.size), listener)) {
      LinkEvent overflow;
      overflow.kind = LinkEvent::Kind::kOverflow;
      listener(overflow);
    }
  }
  return {};
}

}  // namespace jitwg::sniffer
