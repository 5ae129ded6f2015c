// The messages of one datagram from a netlink socket, one after the other. libmnl's own walk
// (mnl_nlmsg_ok and mnl_nlmsg_next of 1.0.4) takes a length of 2^31 and more for a negative one,
// and then reads behind the datagram.
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace jitwg::sniffer {

class NetlinkMessages {
 public:
  // `datagram` is aligned to 4 bytes and outlives this.
  explicit NetlinkMessages(std::span<const std::uint8_t> datagram) : rest_(datagram) {}

  // nullptr: there is no further whole one.
  const nlmsghdr* Next() {
    if (rest_.size() < sizeof(nlmsghdr)) return nullptr;
    const auto* const header = reinterpret_cast<const nlmsghdr*>(rest_.data());
    const std::size_t length = header->nlmsg_len;
    if (length < sizeof(nlmsghdr) || length > rest_.size()) return nullptr;
    // The last one's padding may be left out.
    rest_ = rest_.subspan(std::min<std::size_t>(NLMSG_ALIGN(length), rest_.size()));
    return header;
  }
  // Nothing is left that is no whole message.
  bool AtEnd() const { return rest_.empty(); }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace jitwg::sniffer
