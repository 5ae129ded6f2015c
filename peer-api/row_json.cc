// The gateways' half of peer_json.h: rows with preshared keys, and reports.
#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "peer-api/json_reader.h"
#include "peer-api/peer_fields.h"
#include "peer-api/peer_json.h"

namespace jitwg::api {
namespace {

using nlohmann::json;
using registry::Peer;

constexpr std::int64_t kMaxNumber = std::numeric_limits<std::int64_t>::max();
// What a WallTime of nanoseconds reaches.
constexpr std::int64_t kMaxMicroseconds = kMaxNumber / 1000 - 1;
// As long as a key's base64; no text inside JSON can look like the whole field, for its quotes
// would be escaped.
constexpr std::string_view kBlankKey = "********************************************";
constexpr std::string_view kBlankField =
    "\"preshared_key\":\"********************************************\"";

std::int64_t Microseconds(WallTime time) {
  return std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count();
}

json MicrosecondsOrNull(const std::optional<WallTime>& time) {
  return time ? json(Microseconds(*time)) : json(nullptr);
}

std::optional<WallTime> ReadMicroseconds(ObjectReader& reader, const std::string& name) {
  const auto number = reader.Integer(name, -kMaxMicroseconds, kMaxMicroseconds);
  if (!number) return std::nullopt;
  return WallTime(std::chrono::microseconds(*number));
}

json BlankRow(const Peer& peer) {
  return {{"public_key", peer.public_key.ToBase64()},
          {"name", peer.name},
          {"network", peer.network},
          {"allowed_ips", PrefixTexts(peer.allowed_ips)},
          {"preshared_key", peer.preshared_key ? json(kBlankKey) : json(nullptr)},
          {"persistent_keepalive", peer.persistent_keepalive},
          {"pinned", peer.pinned},
          {"gateway", peer.gateway},
          {"enabled", peer.enabled},
          {"expires_at", MicrosecondsOrNull(peer.expires_at)},
          {"created_at", Microseconds(peer.created_at)},
          {"updated_at", Microseconds(peer.updated_at)}};
}

// Writes the key into the next blank field behind `from`, and returns where that ends. Only here
// is the key ever part of the text, so that growing strings leave no copies of it behind.
std::size_t FillIn(std::string& text, std::size_t from, const Peer& peer) {
  if (!peer.preshared_key) return from;
  const std::size_t field = text.find(kBlankField, from);
  const std::size_t end = field + kBlankField.size();
  std::string key = SecretToBase64(*peer.preshared_key);
  std::copy(key.begin(), key.end(),
            text.begin() + static_cast<std::ptrdiff_t>(end - 1 - kBlankKey.size()));
  WipeString(key);
  return end;
}

Result<registry::Sighting> ReadSighting(const json& value, const std::string& where) {
  ObjectReader reader(value, where);
  registry::Sighting sighting;
  ReadKey(reader, sighting.public_key);
  for (const char* name : {"interface", "endpoint", "seen_at"}) reader.Require(name);
  if (auto interface = reader.Text("interface")) sighting.interface = std::move(*interface);
  if (const auto endpoint = reader.Text("endpoint")) {
    const auto parsed = ParseEndpointText(*endpoint);
    if (parsed) {
      sighting.endpoint = *parsed;
    } else {
      reader.Fault("endpoint", "is no address and port like 192.0.2.1:51820 or [2001:db8::1]:80");
    }
  }
  if (!reader.Null("last_handshake")) {
    sighting.last_handshake = ReadMicroseconds(reader, "last_handshake");
  }
  const auto rx_bytes = reader.Integer("rx_bytes", 0, kMaxNumber);
  const auto tx_bytes = reader.Integer("tx_bytes", 0, kMaxNumber);
  sighting.rx_bytes = static_cast<std::uint64_t>(rx_bytes.value_or(0));
  sighting.tx_bytes = static_cast<std::uint64_t>(tx_bytes.value_or(0));
  if (const auto seen_at = ReadMicroseconds(reader, "seen_at")) sighting.seen_at = *seen_at;
  if (auto finished = reader.Finish(); !finished) return finished.error();
  return sighting;
}

Status ReadGateway(const json& value, registry::Gateway& gateway) {
  ObjectReader reader(value, "gateway");
  reader.Require("name");
  if (auto name = reader.Text("name")) gateway.name = std::move(*name);
  if (auto version = reader.Text("version")) gateway.version = std::move(*version);
  if (const auto peers = reader.Integer("peers", 0, kMaxNumber)) {
    gateway.peers = static_cast<std::size_t>(*peers);
  }
  return reader.Finish();
}

}  // namespace

Result<Peer> ReadRow(const json& body) {
  ObjectReader reader(body);
  Peer peer;
  ReadSettings(reader, peer);
  reader.Require("allowed_ips");
  if (!reader.Null("expires_at")) peer.expires_at = ReadMicroseconds(reader, "expires_at");
  // The store sets these; a row that was read may be written back as it is.
  (void)ReadMicroseconds(reader, "created_at");
  (void)ReadMicroseconds(reader, "updated_at");
  if (auto finished = reader.Finish(); !finished) return finished.error();
  if (auto valid = registry::Validate(peer); !valid) return valid.error();
  return peer;
}

Result<registry::GatewayReport> ReadReport(const json& body) {
  ObjectReader reader(body);
  registry::GatewayReport report;
  reader.Require("gateway");
  const json* gateway = reader.Object("gateway");
  const json* sightings = reader.Array("sightings", registry::kMaxSightings);
  if (auto finished = reader.Finish(); !finished) return finished.error();
  if (auto read = ReadGateway(*gateway, report.gateway); !read) return read.error();
  const std::size_t count = sightings == nullptr ? 0 : sightings->size();
  for (std::size_t i = 0; i < count; ++i) {
    auto sighting = ReadSighting((*sightings)[i], "sightings[" + std::to_string(i) + "]");
    if (!sighting) return sighting.error();
    report.sightings.push_back(std::move(*sighting));
  }
  if (auto valid = registry::Validate(report); !valid) return valid.error();
  return report;
}

std::string RowText(const Peer& peer) {
  std::string text = Dump(BlankRow(peer));
  FillIn(text, 0, peer);
  return text;
}

std::string RowsText(const std::vector<Peer>& peers) {
  json rows = json::array();
  for (const Peer& peer : peers) rows.push_back(BlankRow(peer));
  std::string text = Dump({{"peers", std::move(rows)}});
  std::size_t from = 0;
  for (const Peer& peer : peers) from = FillIn(text, from, peer);
  return text;
}

void WipeSecrets(json& body) {
  if (!body.is_object()) return;
  for (const char* name : {"preshared_key", "private_key"}) {
    const auto found = body.find(name);
    if (found != body.end() && found->is_string()) WipeString(found->get_ref<std::string&>());
  }
}

}  // namespace jitwg::api
