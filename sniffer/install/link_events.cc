// See link_events.h.
#include "sniffer/install/link_events.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

namespace jitwg::sniffer {
namespace {

using Bytes = std::span<const std::uint8_t>;

// The bytes after `size` and its padding to 4; none when the padding is cut off.
Bytes After(Bytes bytes, std::size_t size) {
  return bytes.subspan(std::min((size + 3) & ~std::size_t{3}, bytes.size()));
}

std::string NameIn(Bytes attributes) {
  while (attributes.size() >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, attributes.data(), sizeof(attribute));
    if (attribute.rta_len < sizeof(rtattr) || attribute.rta_len > attributes.size()) break;
    if (attribute.rta_type == IFLA_IFNAME) {
      const Bytes value = attributes.first(attribute.rta_len).subspan(sizeof(rtattr));
      const auto end = std::find(value.begin(), value.end(), 0);
      std::string name(value.begin(), end);
      return name.size() < IFNAMSIZ ? name : "";
    }
    attributes = After(attributes, attribute.rta_len);
  }
  return "";
}

void Tell(std::uint16_t type, Bytes payload, const LinkListener& listener) {
  if ((type != RTM_NEWLINK && type != RTM_DELLINK) || payload.size() < sizeof(ifinfomsg)) return;
  ifinfomsg info{};
  std::memcpy(&info, payload.data(), sizeof(info));
  LinkEvent event;
  event.kind = type == RTM_DELLINK ? LinkEvent::Kind::kDeleted : LinkEvent::Kind::kChanged;
  event.ifindex = static_cast<unsigned>(info.ifi_index);
  event.up = (info.ifi_flags & IFF_UP) != 0;
  event.name = NameIn(After(payload, sizeof(ifinfomsg)));
  listener(event);
}

}  // namespace

bool ParseLinkEvents(Bytes datagram, const LinkListener& listener) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, datagram.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > datagram.size()) return false;
    Tell(header.nlmsg_type, datagram.first(header.nlmsg_len).subspan(sizeof(nlmsghdr)), listener);
    datagram = After(datagram, header.nlmsg_len);
  }
  return datagram.empty();
}

}  // namespace jitwg::sniffer
