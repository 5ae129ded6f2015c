#include "sniffer/capture/link_type.h"

#include <pcap/dlt.h>

#include <array>

namespace jitwg::sniffer {
namespace {

struct Row {
  LinkType type;
  int dlt;
  std::string_view name;
};

constexpr std::array<Row, 8> kRows = {{
    {LinkType::kEthernet, DLT_EN10MB, "en10mb"},
    {LinkType::kRawIp, DLT_RAW, "raw"},
    {LinkType::kIpv4, DLT_IPV4, "ipv4"},
    {LinkType::kIpv6, DLT_IPV6, "ipv6"},
    {LinkType::kLinuxSll, DLT_LINUX_SLL, "linux_sll"},
    {LinkType::kLinuxSll2, DLT_LINUX_SLL2, "linux_sll2"},
    {LinkType::kBsdNull, DLT_NULL, "null"},
    {LinkType::kBsdLoop, DLT_LOOP, "loop"},
}};

const Row& RowOf(LinkType type) { return kRows.at(static_cast<std::size_t>(type)); }

}  // namespace

std::optional<LinkType> LinkTypeFromDlt(int dlt) {
  for (const Row& row : kRows) {
    if (row.dlt == dlt) return row.type;
  }
  return std::nullopt;
}

int DltOf(LinkType type) { return RowOf(type).dlt; }

std::string_view ToString(LinkType type) { return RowOf(type).name; }

}  // namespace jitwg::sniffer
