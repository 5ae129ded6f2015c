#include "ctl/gateway/route_message.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>

#include "sniffer/install/netlink_messages.h"
#include "sniffer/install/netlink_writer.h"

namespace jitwg::ctl {
namespace {

using sniffer::NetlinkWriter;

constexpr std::uint16_t kDo = NLM_F_REQUEST | NLM_F_ACK;
constexpr std::uint16_t kCreate = kDo | NLM_F_CREATE | NLM_F_EXCL;
constexpr std::uint16_t kDump = NLM_F_REQUEST | NLM_F_DUMP;

std::uint8_t Family(const IpAddress& address) {
  return static_cast<std::uint8_t>(address.is_v4() ? AF_INET : AF_INET6);
}

ifinfomsg LinkHeader(unsigned ifindex = 0) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(ifindex);
  return header;
}

std::uint32_t NumberOf(const nlattr* attribute) {
  std::uint32_t value = 0;
  if (mnl_attr_get_payload_len(attribute) >= sizeof(value)) {
    std::memcpy(&value, mnl_attr_get_payload(attribute), sizeof(value));
  }
  return value;
}

std::string TextOf(const nlattr* attribute) {
  const char* const text = mnl_attr_get_str(attribute);
  return {text, ::strnlen(text, mnl_attr_get_payload_len(attribute))};
}

std::optional<IpAddress> AddressOf(const nlattr* attribute) {
  const auto address =
      IpAddress::FromBytes({static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)),
                            mnl_attr_get_payload_len(attribute)});
  return address ? std::optional(*address) : std::nullopt;
}

// Calls `visit` for each attribute behind the header of type Header, for each message of `type`.
// `begin` gets that header. False: the datagram is damaged.
template <class Header, class Begin, class Visit, class End>
bool Walk(std::span<const std::uint8_t> datagram, std::uint16_t type, Begin begin, Visit visit,
          End end) {
  sniffer::NetlinkMessages messages(datagram);
  while (const nlmsghdr* const message = messages.Next()) {
    if (message->nlmsg_type != type) continue;
    if (mnl_nlmsg_get_payload_len(message) < sizeof(Header)) return false;
    begin(*static_cast<const Header*>(mnl_nlmsg_get_payload(message)));
    const auto forward = [](const nlattr* attribute, void* data) {
      (*static_cast<Visit*>(data))(attribute);
      return MNL_CB_OK;
    };
    if (mnl_attr_parse(message, sizeof(Header), forward, &visit) < 0) return false;
    end();
  }
  return messages.AtEnd();
}

int OnLinkInfo(const nlattr* attribute, void* data) {
  if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND) {
    static_cast<LinkFacts*>(data)->kind = TextOf(attribute);
  }
  return MNL_CB_OK;
}

bool IsLinkLocal(const IpAddress& address) {
  static const IpPrefix kLinkLocal = *IpPrefix::Parse("fe80::/10");
  return kLinkLocal.Contains(address);
}

}  // namespace

Result<std::size_t> EncodeGetLink(std::uint32_t sequence, const std::string& name,
                                  std::span<std::uint8_t> out) {
  NetlinkWriter writer(out, RTM_GETLINK, kDo, sequence, LinkHeader());
  writer.PutString(IFLA_IFNAME, name);
  return writer.Length();
}

bool ParseLink(std::span<const std::uint8_t> datagram, std::optional<LinkFacts>& link) {
  LinkFacts facts;
  return Walk<ifinfomsg>(
      datagram, RTM_NEWLINK,
      [&](const ifinfomsg& header) {
        facts = {};
        facts.ifindex = static_cast<unsigned>(header.ifi_index);
        facts.up = (header.ifi_flags & IFF_UP) != 0;
      },
      [&](const nlattr* attribute) {
        const auto type = mnl_attr_get_type(attribute);
        if (type == IFLA_IFNAME) facts.name = TextOf(attribute);
        if (type == IFLA_MTU) facts.mtu = NumberOf(attribute);
        if (type == IFLA_LINKINFO) mnl_attr_parse_nested(attribute, OnLinkInfo, &facts);
      },
      [&] { link = facts; });
}

Result<std::size_t> EncodeNewWireGuard(std::uint32_t sequence, const std::string& name,
                                       std::span<std::uint8_t> out) {
  NetlinkWriter writer(out, RTM_NEWLINK, kCreate, sequence, LinkHeader());
  writer.PutString(IFLA_IFNAME, name);
  nlattr* const info = writer.Begin(IFLA_LINKINFO);
  writer.PutString(IFLA_INFO_KIND, "wireguard");
  writer.End(info);
  return writer.Length();
}

Result<std::size_t> EncodeMtuAndUp(std::uint32_t sequence, unsigned ifindex, std::uint32_t mtu,
                                   std::span<std::uint8_t> out) {
  ifinfomsg header = LinkHeader(ifindex);
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  NetlinkWriter writer(out, RTM_NEWLINK, kDo, sequence, header);
  writer.PutValue(IFLA_MTU, mtu);
  return writer.Length();
}

Result<std::size_t> EncodeRemoveLink(std::uint32_t sequence, unsigned ifindex,
                                     std::span<std::uint8_t> out) {
  return NetlinkWriter(out, RTM_DELLINK, kDo, sequence, LinkHeader(ifindex)).Length();
}

Result<std::size_t> EncodeNewAddress(std::uint32_t sequence, unsigned ifindex,
                                     const InterfaceAddress& address, std::span<std::uint8_t> out) {
  ifaddrmsg header{};
  header.ifa_family = Family(address.address);
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.length);
  header.ifa_index = ifindex;
  NetlinkWriter writer(out, RTM_NEWADDR, kCreate, sequence, header);
  writer.Put(IFA_LOCAL, address.address.bytes());
  writer.Put(IFA_ADDRESS, address.address.bytes());
  return writer.Length();
}

Result<std::size_t> EncodeDumpAddresses(std::uint32_t sequence, std::span<std::uint8_t> out) {
  return NetlinkWriter(out, RTM_GETADDR, kDump, sequence, ifaddrmsg{}).Length();
}

bool ParseAddresses(std::span<const std::uint8_t> datagram, unsigned ifindex,
                    std::vector<InterfaceAddress>& addresses) {
  ifaddrmsg header{};
  std::optional<IpAddress> address;
  std::optional<IpAddress> local;
  return Walk<ifaddrmsg>(
      datagram, RTM_NEWADDR,
      [&](const ifaddrmsg& seen) {
        header = seen;
        address = local = std::nullopt;
      },
      [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == IFA_ADDRESS) address = AddressOf(attribute);
        if (mnl_attr_get_type(attribute) == IFA_LOCAL) local = AddressOf(attribute);
      },
      [&] {
        // IFA_ADDRESS is the other end's where a link has two (uapi linux/if_addr.h).
        if (local) address = local;
        if (header.ifa_index != ifindex || !address || IsLinkLocal(*address)) return;
        if (header.ifa_prefixlen > address->bit_length()) return;
        addresses.push_back({*address, header.ifa_prefixlen});
      });
}

Result<std::size_t> EncodeNewRoute(std::uint32_t sequence, unsigned ifindex, const IpPrefix& prefix,
                                   std::span<std::uint8_t> out) {
  rtmsg header{};
  header.rtm_family = Family(prefix.address());
  header.rtm_dst_len = static_cast<std::uint8_t>(prefix.length());
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope =
      static_cast<std::uint8_t>(prefix.address().is_v4() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
  header.rtm_type = RTN_UNICAST;
  NetlinkWriter writer(out, RTM_NEWROUTE, kCreate, sequence, header);
  if (prefix.length() > 0) writer.Put(RTA_DST, prefix.address().bytes());
  writer.PutValue(RTA_OIF, std::uint32_t{ifindex});
  return writer.Length();
}

Result<std::size_t> EncodeDumpRoutes(std::uint32_t sequence, std::span<std::uint8_t> out) {
  return NetlinkWriter(out, RTM_GETROUTE, kDump, sequence, rtmsg{}).Length();
}

bool ParseRoutes(std::span<const std::uint8_t> datagram, std::vector<RouteFacts>& routes) {
  rtmsg header{};
  IpAddress address;
  unsigned ifindex = 0;
  std::uint32_t table = 0;
  return Walk<rtmsg>(
      datagram, RTM_NEWROUTE,
      [&](const rtmsg& seen) {
        header = seen;
        address = header.rtm_family == AF_INET6 ? *IpAddress::Parse("::") : IpAddress();
        ifindex = 0;
        table = header.rtm_table;
      },
      [&](const nlattr* attribute) {
        const auto type = mnl_attr_get_type(attribute);
        if (type == RTA_DST) address = AddressOf(attribute).value_or(address);
        if (type == RTA_OIF) ifindex = NumberOf(attribute);
        if (type == RTA_TABLE) table = NumberOf(attribute);
      },
      [&] {
        const bool ip = header.rtm_family == AF_INET || header.rtm_family == AF_INET6;
        if (!ip || table != RT_TABLE_MAIN || header.rtm_type != RTN_UNICAST) return;
        const auto prefix = IpPrefix::Make(address, header.rtm_dst_len);
        if (prefix) routes.push_back({*prefix, ifindex});
      });
}

}  // namespace jitwg::ctl
