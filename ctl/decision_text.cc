#include "ctl/decision_text.h"

#include "ctl/format.h"
#include "ctl/json.h"

namespace jitwg::ctl {

std::string DecisionText(const v1::Decision& decision) {
  std::string text =
      TimeText(decision.decided_at()) + "  decision  " + Clean(decision.interface()) + "  " +
      (decision.public_key().empty() ? "-" : KeyText(decision.public_key())) +
      (decision.destination().empty() ? "  from " + EndpointText(decision.source())
                                      : "  for " + AddressText(decision.destination())) +
      "  " + Clean(decision.verdict());
  if (!decision.peer_name().empty()) text += "  (" + Clean(decision.peer_name()) + ")";
  for (const std::string& prefix : PrefixTexts(decision.allowed_ips())) text += "  " + prefix;
  if (!decision.detail().empty()) text += "  " + Clean(decision.detail());
  return text;
}

std::string EvictionText(const v1::Eviction& eviction) {
  return TimeText(eviction.evicted_at()) + "  eviction  " + Clean(eviction.interface()) + "  " +
         KeyText(eviction.public_key()) + "  " + Clean(eviction.reason());
}

}  // namespace jitwg::ctl
