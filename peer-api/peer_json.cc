#include "peer-api/peer_json.h"

#include <utility>

#include "peer-api/json_reader.h"
#include "peer-api/peer_fields.h"
#include "peer-api/times.h"

namespace jitwg::api {
namespace {

using nlohmann::json;
using registry::Peer;

json TimeOrNull(const std::optional<WallTime>& time) {
  return time ? json(FormatTime(*time)) : json(nullptr);
}

}  // namespace

Result<CreateWish> ReadCreate(const json& body) {
  ObjectReader reader(body);
  CreateWish wish;
  ReadSettings(reader, wish.peer);
  if (!reader.Null("expires_at")) wish.peer.expires_at = ReadTime(reader, "expires_at");
  if (const auto generate = reader.Bool("generate_preshared_key")) {
    wish.generate_preshared_key = *generate;
  }
  if (wish.generate_preshared_key && wish.peer.preshared_key) {
    reader.Fault("generate_preshared_key", "excludes preshared_key");
  }
  if (auto finished = reader.Finish(); !finished) return finished.error();
  if (auto valid = registry::ValidateWish(wish.peer); !valid) return valid.error();
  return wish;
}

Result<registry::PeerPatch> ReadPatch(const json& body) {
  ObjectReader reader(body);
  registry::PeerPatch patch;
  patch.name = reader.Text("name");
  patch.enabled = reader.Bool("enabled");
  patch.pinned = reader.Bool("pinned");
  patch.gateway = reader.Text("gateway");
  patch.allowed_ips = ReadPrefixes(reader, "allowed_ips", registry::kMaxAllowedIps);
  if (const auto keepalive = reader.Integer("persistent_keepalive", 0, 65535)) {
    patch.persistent_keepalive = static_cast<std::uint16_t>(*keepalive);
  }
  if (reader.Null("expires_at")) {
    patch.expires_at = std::optional<WallTime>();
  } else if (const auto expires_at = ReadTime(reader, "expires_at")) {
    patch.expires_at = expires_at;
  }
  if (auto finished = reader.Finish(); !finished) return finished.error();
  return patch;
}

Result<registry::Network> ReadNetwork(const std::string& name, const json& body) {
  ObjectReader reader(body);
  registry::Network network;
  network.name = name;
  reader.Require("pools");
  if (auto pools = ReadPrefixes(reader, "pools", registry::kMaxPools)) network.pools = *pools;
  if (auto finished = reader.Finish(); !finished) return finished.error();
  if (auto valid = registry::Validate(network); !valid) return valid.error();
  return network;
}

json ToJson(const Peer& peer, const registry::Sighting* last_seen) {
  return {{"public_key", peer.public_key.ToBase64()},
          {"name", peer.name},
          {"network", peer.network},
          {"allowed_ips", PrefixTexts(peer.allowed_ips)},
          {"preshared_key_set", peer.preshared_key.has_value()},
          {"persistent_keepalive", peer.persistent_keepalive},
          {"pinned", peer.pinned},
          {"gateway", peer.gateway},
          {"enabled", peer.enabled},
          {"expires_at", TimeOrNull(peer.expires_at)},
          {"created_at", FormatTime(peer.created_at)},
          {"updated_at", FormatTime(peer.updated_at)},
          {"last_seen", last_seen == nullptr ? json(nullptr) : ToJson(*last_seen)}};
}

json ToJson(const registry::Sighting& sighting) {
  return {{"gateway", sighting.gateway},
          {"interface", sighting.interface},
          {"endpoint", sighting.endpoint.ToString()},
          {"last_handshake", TimeOrNull(sighting.last_handshake)},
          {"rx_bytes", sighting.rx_bytes},
          {"tx_bytes", sighting.tx_bytes},
          {"seen_at", FormatTime(sighting.seen_at)}};
}

json ToJson(const registry::Network& network) {
  return {{"name", network.name},
          {"pools", PrefixTexts(network.pools)},
          {"created_at", FormatTime(network.created_at)}};
}

json ToJson(const registry::Gateway& gateway) {
  return {{"name", gateway.name},
          {"version", gateway.version},
          {"peers", gateway.peers},
          {"reported_at", FormatTime(gateway.reported_at)}};
}

}  // namespace jitwg::api
