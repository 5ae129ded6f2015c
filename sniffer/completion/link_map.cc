#include "sniffer/completion/link_map.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "sniffer/install/netlink_messages.h"

namespace jitwg::sniffer {
namespace {

// Deeper stacks than any that makes sense; an end in case the kernel's answer goes round in
// circles.
constexpr int kDeepest = 16;
constexpr std::uint16_t kVlanIdMask = 0x0fff;

template <class T>
T ValueOf(const nlattr* attribute) {
  T value{};
  if (mnl_attr_get_payload_len(attribute) >= sizeof(T)) {
    std::memcpy(&value, mnl_attr_get_payload(attribute), sizeof(T));
  }
  return value;
}

std::string TextOf(const nlattr* attribute) {
  const char* const text = mnl_attr_get_str(attribute);
  return {text, ::strnlen(text, mnl_attr_get_payload_len(attribute))};
}

int OnLinkData(const nlattr* attribute, void* data) {
  auto& link = *static_cast<Link*>(data);
  if (mnl_attr_get_type(attribute) == IFLA_VLAN_ID) {
    link.vlan_id = ValueOf<std::uint16_t>(attribute) & kVlanIdMask;
  }
  return MNL_CB_OK;
}

int OnLinkInfo(const nlattr* attribute, void* data) {
  auto& link = *static_cast<Link*>(data);
  // The kind comes before its data (net/core/rtnetlink.c, rtnl_link_info_fill).
  if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND) link.kind = TextOf(attribute);
  if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA && link.kind == "vlan") {
    mnl_attr_parse_nested(attribute, OnLinkData, data);
  }
  return MNL_CB_OK;
}

int OnAttribute(const nlattr* attribute, void* data) {
  auto& link = *static_cast<Link*>(data);
  switch (mnl_attr_get_type(attribute)) {
    case IFLA_MASTER:
      link.master = ValueOf<std::uint32_t>(attribute);
      break;
    case IFLA_LINK:
      link.lower = ValueOf<std::uint32_t>(attribute);
      break;
    case IFLA_IFNAME:
      link.name = TextOf(attribute);
      break;
    case IFLA_IFALIAS:
      link.alias = TextOf(attribute);
      break;
    case IFLA_LINKINFO:
      mnl_attr_parse_nested(attribute, OnLinkInfo, data);
      break;
    default:
      break;
  }
  return MNL_CB_OK;
}

// Such a master takes the packet from its members; a VRF leaves it to them.
bool TakesPackets(const Link& master) {
  return master.kind == "bridge" || master.kind == "bond" || master.kind == "team";
}

const Link* Find(std::span<const Link> links, unsigned ifindex) {
  const auto found = std::find_if(links.begin(), links.end(),
                                  [&](const Link& link) { return link.ifindex == ifindex; });
  return found == links.end() ? nullptr : &*found;
}

const Link* FindVlan(std::span<const Link> links, unsigned lower, std::uint16_t id) {
  const auto found = std::find_if(links.begin(), links.end(), [&](const Link& link) {
    return link.kind == "vlan" && link.lower == lower && link.vlan_id == id;
  });
  return found == links.end() ? nullptr : &*found;
}

}  // namespace

bool ParseLinks(std::span<const std::uint8_t> datagram, std::vector<Link>& links) {
  NetlinkMessages messages(datagram);
  while (const nlmsghdr* const header = messages.Next()) {
    if (header->nlmsg_type != RTM_NEWLINK) continue;
    if (mnl_nlmsg_get_payload_len(header) < sizeof(ifinfomsg)) return false;
    Link link;
    const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(header));
    link.ifindex = static_cast<unsigned>(info->ifi_index);
    mnl_attr_parse(header, sizeof(ifinfomsg), OnAttribute, &link);
    links.push_back(std::move(link));
  }
  return messages.AtEnd();
}

std::optional<unsigned> InputInterface(std::span<const Link> links, unsigned ifindex,
                                       std::span<const std::uint16_t> vlan_ids) {
  const Link* link = Find(links, ifindex);
  for (int depth = 0; link != nullptr && depth < kDeepest; ++depth) {
    const Link* above = nullptr;
    if (!vlan_ids.empty()) above = FindVlan(links, link->ifindex, vlan_ids.front());
    if (above != nullptr) {
      vlan_ids = vlan_ids.subspan(1);
    } else if (link->master != 0) {
      const Link* const master = Find(links, link->master);
      if (master != nullptr && TakesPackets(*master)) above = master;
    }
    if (above == nullptr) {
      if (!vlan_ids.empty()) return std::nullopt;
      return link->ifindex;
    }
    link = above;
  }
  return std::nullopt;
}

}  // namespace jitwg::sniffer
