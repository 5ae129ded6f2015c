// Tells when network interfaces come, go or change, by rtnetlink. It does not look at WireGuard:
// the listener asks for the device again.
#pragma once

#include <memory>
#include <stop_token>

#include "lib/base/result.h"
#include "sniffer/install/link_events.h"
#include "sniffer/install/netlink_socket.h"

namespace jitwg::sniffer {

class LinkMonitor {
 public:
  // Listens in the network namespace of the calling thread from now on: what happens before Run is
  // kept (until the socket's buffer is full). Needs no privilege.
  static Result<std::unique_ptr<LinkMonitor>> Open();

  // Calls `listener` on this thread until `stop`; returns within half a second of it. The error:
  // the socket is broken.
  Status Run(const std::stop_token& stop, const LinkListener& listener);

 private:
  explicit LinkMonitor(NetlinkSocket socket) : socket_(std::move(socket)) {}
  NetlinkSocket socket_;
};

}  // namespace jitwg::sniffer
