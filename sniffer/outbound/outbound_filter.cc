#include "sniffer/outbound/outbound_filter.h"

namespace jitwg::sniffer {
namespace {

// No packet is shorter than 0 bytes.
constexpr const char* kNothing = "less 0 and greater 1";

std::string DestinationTest(std::span<const IpPrefix> prefixes, IpFamily family) {
  std::string text;
  for (const IpPrefix& prefix : prefixes) {
    if (prefix.address().family() != family) continue;
    if (prefix.length() == 0) return family == IpFamily::kV4 ? "ip" : "ip6";
    text += (text.empty() ? "" : " or ") + ("dst net " + prefix.ToString());
  }
  if (text.empty()) return text;
  return (family == IpFamily::kV4 ? "(ip and (" : "(ip6 and (") + text + "))";
}

}  // namespace

std::string OutboundFilter(std::span<const IpPrefix> prefixes) {
  const std::string v4 = DestinationTest(prefixes, IpFamily::kV4);
  const std::string v6 = DestinationTest(prefixes, IpFamily::kV6);
  if (v4.empty() && v6.empty()) return kNothing;
  return v4 + (v4.empty() || v6.empty() ? "" : " or ") + v6;
}

}  // namespace jitwg::sniffer
