// The JSON of `jitwgctl explain` and `jitwgctl evict`.
#include <algorithm>
#include <cctype>

#include "ctl/json.h"

namespace jitwg::ctl {
namespace {

Json RecordJson(const v1::RegistryRecord& record) {
  Json json = {{"name", record.name()},
               {"network", record.network()},
               {"allowed_ips", PrefixTexts(record.allowed_ips())},
               {"has_preshared_key", record.has_preshared_key()},
               {"persistent_keepalive_seconds", record.persistent_keepalive_seconds()},
               {"pinned", record.pinned()},
               {"gateway", record.gateway()},
               {"enabled", record.enabled()},
               {"expires_at", nullptr},
               {"updated_at", TimeText(record.updated_at())}};
  if (record.has_expires_at()) json["expires_at"] = TimeText(record.expires_at());
  return json;
}

Json OrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

std::string OutcomeText(v1::PeerOutcome outcome) {
  constexpr std::string_view kPrefix = "PEER_OUTCOME_";
  std::string name = v1::PeerOutcome_Name(outcome);
  if (!name.starts_with(kPrefix)) return "unspecified";
  name.erase(0, kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

Json ToJson(const v1::ExplainResponse& message) {
  Json json = {{"public_key", KeyText(message.public_key())},
               {"record", message.has_record() ? RecordJson(message.record()) : Json(nullptr)},
               {"registry_problem", OrNull(message.registry_problem())},
               {"cached_age_seconds", nullptr},
               {"interfaces", Json::array()},
               {"decisions", Json::array()},
               {"newest_timestamp", OrNull(Tai64nText(message.newest_timestamp()))},
               {"replay_problem", OrNull(message.replay_problem())},
               {"sniffer_problem", OrNull(message.sniffer_problem())}};
  if (message.has_cached_age()) json["cached_age_seconds"] = message.cached_age().seconds();
  for (const v1::InterfaceView& view : message.interfaces()) {
    json["interfaces"].push_back(
        {{"interface", view.interface()},
         {"verdict", view.verdict()},
         {"installed", view.has_installed() ? ToJson(view.installed()) : Json(nullptr)}});
  }
  for (const v1::Decision& decision : message.decisions()) {
    json["decisions"].push_back(ToJson(decision));
  }
  return json;
}

Json ToJson(const v1::EvictResult& message) {
  return {{"interface", message.interface()},
          {"public_key", KeyText(message.public_key())},
          {"outcome", OutcomeText(message.outcome())},
          {"message", message.message()},
          {"pinned", message.pinned()}};
}

}  // namespace jitwg::ctl
