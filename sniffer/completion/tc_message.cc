#include "sniffer/completion/tc_message.h"

#include <arpa/inet.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/veth.h>
#include <net/if.h>

#include <array>

#include "sniffer/install/netlink_writer.h"

namespace jitwg::sniffer {
namespace {

constexpr std::uint16_t kDo = NLM_F_REQUEST | NLM_F_ACK;
constexpr std::uint16_t kCreate = kDo | NLM_F_CREATE | NLM_F_EXCL;
// linux/if_link.h, enum in6_addr_gen_mode: IN6_ADDR_GEN_MODE_NONE.
constexpr std::uint8_t kNoAddress = 1;
// The first rule (tcf_exts) of a filter's actions.
constexpr std::uint16_t kFirstAction = 1;

ifinfomsg LinkHeader(unsigned ifindex = 0) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(ifindex);
  return header;
}

tcmsg TrafficHeader(unsigned ifindex, std::uint32_t parent) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = static_cast<int>(ifindex);
  header.tcm_parent = parent;
  return header;
}

constexpr std::uint32_t kEgress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

// -1: this filter's class and action; 0: the next filter.
std::array<sock_filter, 4> MatchTarget(unsigned target) {
  return {sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
          sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, target},
          sock_filter{BPF_RET | BPF_K, 0, 0, 0xffffffff}, sock_filter{BPF_RET | BPF_K, 0, 0, 0}};
}

void PutRedirectAction(NetlinkWriter& writer, unsigned target) {
  nlattr* const actions = writer.Begin(TCA_BPF_ACT);
  nlattr* const action = writer.Begin(kFirstAction);
  writer.PutString(TCA_ACT_KIND, "mirred");
  nlattr* const options = writer.Begin(TCA_ACT_OPTIONS);
  tc_mirred parameters{};
  parameters.action = TC_ACT_STOLEN;
  parameters.eaction = TCA_INGRESS_REDIR;
  parameters.ifindex = target;
  writer.PutValue(TCA_MIRRED_PARMS, parameters);
  writer.End(options);
  writer.End(action);
  writer.End(actions);
}

}  // namespace

Result<std::size_t> EncodeNewLink(std::uint32_t sequence, std::string_view kind,
                                  const HelperLink& link, std::span<std::uint8_t> out) {
  ifinfomsg header = LinkHeader();
  header.ifi_flags = IFF_NOARP;
  header.ifi_change = IFF_NOARP;
  NetlinkWriter writer(out, RTM_NEWLINK, kCreate, sequence, header);
  writer.PutString(IFLA_IFNAME, link.name);
  nlattr* const info = writer.Begin(IFLA_LINKINFO);
  writer.PutString(IFLA_INFO_KIND, std::string(kind));
  if (kind == "veth") {
    nlattr* const data = writer.Begin(IFLA_INFO_DATA);
    nlattr* const peer = writer.Begin(VETH_INFO_PEER);
    // The other end's own header comes before its attributes (drivers/net/veth.c).
    writer.PutRaw(LinkHeader());
    writer.PutString(IFLA_IFNAME, link.peer);
    writer.End(peer);
    writer.End(data);
  }
  writer.End(info);
  return writer.Length();
}

Result<std::size_t> EncodeSetAlias(std::uint32_t sequence, unsigned ifindex,
                                   const std::string& alias, std::span<std::uint8_t> out) {
  NetlinkWriter writer(out, RTM_NEWLINK, kDo, sequence, LinkHeader(ifindex));
  writer.PutString(IFLA_IFALIAS, alias);
  return writer.Length();
}

Result<std::size_t> EncodeLinkUp(std::uint32_t sequence, unsigned ifindex,
                                 std::span<std::uint8_t> out) {
  ifinfomsg header = LinkHeader(ifindex);
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  return NetlinkWriter(out, RTM_NEWLINK, kDo, sequence, header).Length();
}

Result<std::size_t> EncodeNoIpv6Address(std::uint32_t sequence, unsigned ifindex,
                                        std::span<std::uint8_t> out) {
  NetlinkWriter writer(out, RTM_NEWLINK, kDo, sequence, LinkHeader(ifindex));
  nlattr* const families = writer.Begin(IFLA_AF_SPEC);
  nlattr* const ipv6 = writer.Begin(AF_INET6);
  writer.PutValue(IFLA_INET6_ADDR_GEN_MODE, kNoAddress);
  writer.End(ipv6);
  writer.End(families);
  return writer.Length();
}

Result<std::size_t> EncodeDeleteLink(std::uint32_t sequence, unsigned ifindex,
                                     std::span<std::uint8_t> out) {
  return NetlinkWriter(out, RTM_DELLINK, kDo, sequence, LinkHeader(ifindex)).Length();
}

Result<std::size_t> EncodeDumpLinks(std::uint32_t sequence, std::span<std::uint8_t> out) {
  return NetlinkWriter(out, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence, LinkHeader())
      .Length();
}

Result<std::size_t> EncodeNewClsact(std::uint32_t sequence, unsigned ifindex,
                                    std::span<std::uint8_t> out) {
  tcmsg header = TrafficHeader(ifindex, TC_H_CLSACT);
  header.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  NetlinkWriter writer(out, RTM_NEWQDISC, kCreate, sequence, header);
  writer.PutString(TCA_KIND, "clsact");
  return writer.Length();
}

Result<std::size_t> EncodeNewRedirect(std::uint32_t sequence, unsigned helper, unsigned target,
                                      std::uint16_t preference, std::span<std::uint8_t> out) {
  tcmsg header = TrafficHeader(helper, kEgress);
  header.tcm_info = TC_H_MAKE(std::uint32_t{preference} << 16, htons(ETH_P_ALL));
  NetlinkWriter writer(out, RTM_NEWTFILTER, kCreate, sequence, header);
  writer.PutString(TCA_KIND, "bpf");
  nlattr* const options = writer.Begin(TCA_OPTIONS);
  const auto program = MatchTarget(target);
  writer.PutValue(TCA_BPF_OPS_LEN, static_cast<std::uint16_t>(program.size()));
  writer.PutValue(TCA_BPF_OPS, program);
  writer.PutValue(TCA_BPF_CLASSID, std::uint32_t{TC_H_MAKE(1U << 16, 1U)});
  PutRedirectAction(writer, target);
  writer.End(options);
  return writer.Length();
}

Result<std::size_t> EncodeDeleteRedirects(std::uint32_t sequence, unsigned helper,
                                          std::span<std::uint8_t> out) {
  return NetlinkWriter(out, RTM_DELTFILTER, kDo, sequence, TrafficHeader(helper, kEgress)).Length();
}

}  // namespace jitwg::sniffer
