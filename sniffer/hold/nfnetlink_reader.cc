// See nfnetlink_reader.h.
#include "sniffer/hold/nfnetlink_reader.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>

namespace jitwg::sniffer {
namespace {

// The bytes after `size` and its padding to 4; none when the padding is cut off.
NetlinkBytes After(NetlinkBytes bytes, std::size_t size) {
  return bytes.subspan(std::min((size + 3) & ~std::size_t{3}, bytes.size()));
}

}  // namespace

bool ForEachMessage(NetlinkBytes datagram,
                    const std::function<void(const NfnetlinkMessage&)>& handler) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, datagram.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > datagram.size()) return false;
    handler({header.nlmsg_type, header.nlmsg_seq,
             datagram.first(header.nlmsg_len).subspan(sizeof(nlmsghdr))});
    datagram = After(datagram, header.nlmsg_len);
  }
  return datagram.empty();
}

bool ForEachAttribute(NetlinkBytes attributes,
                      const std::function<void(std::uint16_t, NetlinkBytes)>& handler) {
  while (attributes.size() >= sizeof(nlattr)) {
    nlattr attribute{};
    std::memcpy(&attribute, attributes.data(), sizeof(attribute));
    if (attribute.nla_len < sizeof(nlattr) || attribute.nla_len > attributes.size()) return false;
    handler(attribute.nla_type & NLA_TYPE_MASK,
            attributes.first(attribute.nla_len).subspan(sizeof(nlattr)));
    attributes = After(attributes, attribute.nla_len);
  }
  return attributes.empty();
}

NetlinkBytes AttributesOf(const NfnetlinkMessage& message) {
  return message.body.subspan(std::min(sizeof(nfgenmsg), message.body.size()));
}

void ReadAnswer(NetlinkBytes datagram, std::uint32_t first, std::uint32_t last,
                NfnetlinkAnswer& answer) {
  ForEachMessage(datagram, [&](const NfnetlinkMessage& message) {
    const bool ours = message.sequence - first <= last - first;
    if (message.type != NLMSG_ERROR || !ours || message.body.size() < sizeof(nlmsgerr)) return;
    std::int32_t code = 0;
    std::memcpy(&code, message.body.data(), sizeof(code));
    if (code < 0 && code >= -4095 && answer.error == 0) {
      answer.error = -code;
      answer.refused = message.sequence;
    }
    if (message.sequence == last) answer.acknowledged = true;
  });
}

}  // namespace jitwg::sniffer
