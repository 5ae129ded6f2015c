#include "ctl/json.h"

#include <ostream>

#include "ctl/format.h"
#include "lib/base/key.h"
#include "lib/rpc/convert.h"

namespace jitwg::ctl {

void PrintJson(std::ostream& out, const Json& json) {
  out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
}

std::string KeyText(const std::string& bytes) {
  if (const auto key = PublicKey::FromBytes(bytes)) return key->ToBase64();
  return ToHex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string EndpointText(const v1::Endpoint& endpoint) {
  const auto parsed = rpc::ParseEndpoint(endpoint);
  return parsed ? parsed->ToString() : "-";
}

std::string AddressText(const std::string& bytes) {
  const auto address =
      IpAddress::FromBytes({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  return address ? address->ToString() : "-";
}

std::string OriginText(const v1::Decision& decision) {
  return decision.destination().empty() ? EndpointText(decision.source()) : "outbound";
}

std::vector<std::string> PrefixTexts(
    const google::protobuf::RepeatedPtrField<v1::IpPrefix>& prefixes) {
  std::vector<std::string> texts;
  for (const v1::IpPrefix& prefix : prefixes) {
    const auto parsed = rpc::ParsePrefix(prefix);
    texts.push_back(parsed ? parsed->ToString() : "?");
  }
  return texts;
}

std::string Tai64nText(const std::string& bytes) {
  const auto stamp = rpc::ParseTai64n(bytes);
  return stamp ? stamp->ToUtc() : "";
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return FormatTime(rpc::ToWallTime(time));
}

namespace {

Json OptionalTime(bool present, const google::protobuf::Timestamp& time) {
  if (!present) return nullptr;
  return TimeText(time);
}

template <class Map>
Json Counters(const Map& map) {
  // A std::map for the order: protobuf's has none.
  return std::map<std::string, std::uint64_t>(map.begin(), map.end());
}

Json CompletionJson(const v1::CompletionStatus& message) {
  return {{"strategy", message.strategy()},
          {"why_not_better", message.why_not_better()},
          {"held", message.held()},
          {"let_go", Counters(message.let_go())},
          {"reinjected", message.reinjected()},
          {"reinject_failed", message.reinject_failed()}};
}

Json OutboundJson(const v1::OutboundStatus& message) {
  return {{"packets", Counters(message.packets())},
          {"kernel_dropped", message.kernel_dropped()},
          {"endpoints", message.endpoints()}};
}

Json CacheJson(const v1::CacheStatus& message) {
  return {{"entries", message.entries()},
          {"served", message.served()},
          {"negatives_served", message.negatives_served()},
          {"registry_away", message.registry_away()},
          {"write_failures", message.write_failures()}};
}

}  // namespace

Json ToJson(const v1::GetStatisticsResponse& message) {
  return {{"sniffer_instance", std::to_string(message.sniffer_instance())},
          {"version", message.version()},
          {"started_at", OptionalTime(message.has_started_at(), message.started_at())},
          {"initiations", Counters(message.initiations())},
          {"captured", message.captured()},
          {"kernel_dropped", message.kernel_dropped()},
          {"watchers", message.watchers()},
          {"events_dropped", message.events_dropped()},
          {"completion", CompletionJson(message.completion())},
          {"outbound", message.has_outbound() ? OutboundJson(message.outbound()) : Json(nullptr)}};
}

Json ToJson(const v1::InterfaceState& message) {
  return {{"interface", message.interface()},
          {"present", message.present()},
          {"public_key", KeyText(message.public_key())},
          {"listen_port", message.listen_port()},
          {"backend", message.backend()},
          {"allowed_prefixes", PrefixTexts(message.allowed_prefixes())},
          {"max_peers", message.max_peers()},
          {"own_peers", message.own_peers()},
          {"problem", message.problem()},
          {"generation", message.generation()}};
}

Json ToJson(const v1::StatusResponse& message) {
  return {{"version", message.version()},
          {"started_at", OptionalTime(message.has_started_at(), message.started_at())},
          {"sniffer_connected", message.sniffer_connected()},
          {"sniffer_problem", message.sniffer_problem()},
          {"sniffer_reconnects", message.sniffer_reconnects()},
          {"registry_kind", message.registry_kind()},
          {"registry_healthy", message.registry_healthy()},
          {"registry_problem", message.registry_problem()},
          {"registry_lookups", message.registry_lookups()},
          {"lookups_in_flight", message.lookups_in_flight()},
          {"decisions", Counters(message.decisions())},
          {"evictions", Counters(message.evictions())},
          {"outbound", Counters(message.outbound())},
          {"events_dropped", message.events_dropped()},
          {"cache", message.has_cache() ? CacheJson(message.cache()) : Json(nullptr)}};
}

Json ToJson(const v1::PeerState& message) {
  Json json = {
      {"public_key", KeyText(message.public_key())},
      {"own", message.own()},
      {"allowed_ips", PrefixTexts(message.allowed_ips())},
      {"endpoint", nullptr},
      {"last_handshake", OptionalTime(message.has_last_handshake(), message.last_handshake())},
      {"rx_bytes", message.rx_bytes()},
      {"tx_bytes", message.tx_bytes()},
      {"persistent_keepalive_seconds", message.persistent_keepalive_seconds()},
      {"has_preshared_key", message.has_preshared_key()},
      {"installed_for_seconds", nullptr},
      {"newest_timestamp", nullptr}};
  if (message.has_endpoint()) json["endpoint"] = EndpointText(message.endpoint());
  if (message.has_installed_for())
    json["installed_for_seconds"] = message.installed_for().seconds();
  if (!message.newest_timestamp().empty()) {
    json["newest_timestamp"] = Tai64nText(message.newest_timestamp());
  }
  return json;
}

Json ToJson(const v1::HandshakeEvent& message) {
  return {{"type", "event"},
          {"captured_at", OptionalTime(message.has_captured_at(), message.captured_at())},
          {"initiation_id", message.initiation_id()},
          {"interface", message.interface()},
          {"public_key", KeyText(message.public_key())},
          {"source", EndpointText(message.source())},
          {"destination", EndpointText(message.destination())},
          {"timestamp", Tai64nText(message.timestamp())},
          {"already_installed", message.already_installed()}};
}

Json ToJson(const v1::OutboundDemand& message) {
  return {{"type", "demand"},
          {"asked_at", OptionalTime(message.has_asked_at(), message.asked_at())},
          {"demand_id", message.demand_id()},
          {"interface", message.interface()},
          {"destination", AddressText(message.destination())}};
}

Json ToJson(const v1::Decision& message) {
  const bool outbound = !message.destination().empty();
  return {{"type", "decision"},
          {"decided_at", OptionalTime(message.has_decided_at(), message.decided_at())},
          {"captured_at", OptionalTime(message.has_captured_at(), message.captured_at())},
          {"interface", message.interface()},
          {"public_key",
           message.public_key().empty() ? Json(nullptr) : Json(KeyText(message.public_key()))},
          {"source", outbound ? Json(nullptr) : Json(EndpointText(message.source()))},
          {"destination", outbound ? Json(AddressText(message.destination())) : Json(nullptr)},
          {"timestamp", Tai64nText(message.timestamp())},
          {"verdict", message.verdict()},
          {"detail", message.detail()},
          {"peer_name", message.peer_name()},
          {"allowed_ips", PrefixTexts(message.allowed_ips())},
          {"lookup_microseconds", message.lookup_microseconds()},
          {"install_microseconds", message.install_microseconds()}};
}

Json ToJson(const v1::Eviction& message) {
  return {{"type", "eviction"},
          {"evicted_at", OptionalTime(message.has_evicted_at(), message.evicted_at())},
          {"interface", message.interface()},
          {"public_key", KeyText(message.public_key())},
          {"reason", message.reason()}};
}

Json ToJson(const registry::Peer& peer) {
  Json json = {{"public_key", peer.public_key.ToBase64()},
               {"name", peer.name},
               {"network", peer.network},
               {"allowed_ips", Json::array()},
               {"has_preshared_key", peer.preshared_key.has_value()},
               {"persistent_keepalive_seconds", peer.persistent_keepalive},
               {"pinned", peer.pinned},
               {"gateway", peer.gateway},
               {"enabled", peer.enabled},
               {"expires_at", nullptr},
               {"created_at", FormatTime(peer.created_at)},
               {"updated_at", FormatTime(peer.updated_at)}};
  for (const IpPrefix& prefix : peer.allowed_ips) json["allowed_ips"].push_back(prefix.ToString());
  if (peer.expires_at) json["expires_at"] = FormatTime(*peer.expires_at);
  return json;
}

}  // namespace jitwg::ctl
