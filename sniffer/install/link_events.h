// Notices of rtnetlink that network interfaces came, went or changed, taken apart. Pure; any bytes
// may come in.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

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

// The events in one datagram of RTNLGRP_LINK; false when its end is damaged.
bool ParseLinkEvents(std::span<const std::uint8_t> datagram, const LinkListener& listener);

}  // namespace jitwg::sniffer
