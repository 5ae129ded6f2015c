// Tells when network interfaces come, go or change, by rtnetlink. It does not look at WireGuard:
// the listener asks for the device again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "lib/base/result.h"
#include "sniffer/install/netlink_socket.h"

namespace jitwg::sniffer {

struct LinkEvent {
  enum class Kind : std::uint8_t {
    kChanged,  // new, up, down, renamed, or anything else about it
    kDeleted,
    kOverflow,  // notices were lost: anything may have changed; no index, no name
  };
  Kind kind = Kind::kChanged;
  unsigned ifindex = 0;
  std::string name;  // may be empty
  bool up = false;   // administratively (IFF_UP)
};

using LinkListener = std::function<void(const LinkEvent&)>;

// Pure: the events in one datagram of RTNLGRP_LINK; false when its end is damaged. `datagram` may
// be any bytes.
bool ParseLinkEvents(std::span<const std::uint8_t> datagram, const LinkListener& listener);

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
