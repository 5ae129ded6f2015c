#include "lib/registry/row_json.h"

#include <utility>

#include "lib/registry/json_members.h"

namespace jitwg::registry {
namespace {

using namespace json_members;  // NOLINT(google-build-using-namespace)

void WipeMember(json& object, const char* name) {
  const auto found = object.find(name);
  if (found != object.end() && found->is_string()) WipeString(found->get_ref<std::string&>());
}

std::optional<PresharedKey> TakePresharedKey(json& object) {
  const auto found = object.find("preshared_key");
  if (found == object.end()) throw WrongMember{"preshared_key"};
  if (found->is_null()) return std::nullopt;
  if (!found->is_string()) throw WrongMember{"preshared_key"};
  auto key = ParseSecretKey(found->get_ref<const std::string&>());
  WipeMember(object, "preshared_key");
  if (!key) throw WrongMember{"preshared_key"};
  return std::move(*key);
}

json RowOf(const Peer& peer) {
  json row{{"public_key", peer.public_key.ToBase64()},
           {"name", peer.name},
           {"network", peer.network},
           {"allowed_ips", json::array()},
           {"preshared_key", nullptr},
           {"persistent_keepalive", peer.persistent_keepalive},
           {"pinned", peer.pinned},
           {"gateway", peer.gateway},
           {"enabled", peer.enabled},
           {"expires_at", nullptr},
           {"created_at", ToMicroseconds(peer.created_at)},
           {"updated_at", ToMicroseconds(peer.updated_at)}};
  for (const IpPrefix& prefix : peer.allowed_ips) row["allowed_ips"].push_back(prefix.ToString());
  if (peer.preshared_key) row["preshared_key"] = SecretToBase64(*peer.preshared_key);
  if (peer.expires_at) row["expires_at"] = ToMicroseconds(*peer.expires_at);
  return row;
}

Peer PeerOf(json& row) {
  Peer peer;
  peer.public_key = Key(row, "public_key");
  peer.name = Member<std::string>(row, "name");
  peer.network = Member<std::string>(row, "network");
  for (const json& text : Member<json::array_t>(row, "allowed_ips")) {
    const auto prefix =
        text.is_string() ? IpPrefix::Parse(text.get<std::string>()) : Result<IpPrefix>(Error{});
    if (!prefix) throw WrongMember{"allowed_ips"};
    peer.allowed_ips.push_back(*prefix);
  }
  peer.preshared_key = TakePresharedKey(row);
  peer.persistent_keepalive =
      static_cast<std::uint16_t>(Number(row, "persistent_keepalive", UINT16_MAX));
  peer.pinned = Flag(row, "pinned");
  peer.gateway = Member<std::string>(row, "gateway");
  peer.enabled = Flag(row, "enabled");
  peer.expires_at = OptionalTime(row, "expires_at");
  peer.created_at = Time(row, "created_at");
  peer.updated_at = Time(row, "updated_at");
  return peer;
}

Result<Peer> CheckedPeer(json& row) {
  std::string key = "?";
  try {
    if (!row.is_object()) throw WrongMember{"row"};
    key = Key(row, "public_key").ToBase64();
    Peer peer = PeerOf(row);
    if (const Status valid = Validate(peer); !valid) {
      return Error{ErrorCode::kDataLoss,
                   "the peer API's row of " + key + " makes no sense: " + valid.error().message};
    }
    return peer;
  } catch (const WrongMember& wrong) {
    WipeMember(row, "preshared_key");
    return Error{key == "?" ? ErrorCode::kUnavailable : ErrorCode::kDataLoss,
                 "the peer API's row of " + key + " makes no sense: " + wrong.name};
  }
}

void WipeRow(json& row) { WipeMember(row, "preshared_key"); }

}  // namespace

std::string PeerToJson(const Peer& peer) {
  json row = RowOf(peer);
  std::string text = Dump(row);
  WipeRow(row);
  return text;
}

std::string PeersToJson(const std::vector<Peer>& peers) {
  json document{{"peers", json::array()}};
  for (const Peer& peer : peers) document["peers"].push_back(RowOf(peer));
  std::string text = Dump(document);
  for (json& row : document["peers"]) WipeRow(row);
  return text;
}

Result<Peer> PeerFromJson(std::string_view text) {
  auto document = Parsed(text);
  if (!document) return document.error();
  return CheckedPeer(*document);
}

Result<std::vector<Peer>> PeersFromJson(std::string_view text) {
  auto document = Parsed(text);
  if (!document) return document.error();
  const auto rows = document->find("peers");
  if (rows == document->end() || !rows->is_array() || rows->size() > kMaxListLimit) {
    return Error{ErrorCode::kUnavailable, "the answer has no list of peers: is that a peer API?"};
  }
  std::vector<Peer> peers;
  Status fault;
  for (json& row : *rows) {
    auto peer = CheckedPeer(row);
    if (peer) {
      peers.push_back(std::move(*peer));
    } else if (fault) {
      fault = peer.error();
    }
  }
  if (!fault) return fault.error();
  return peers;
}

}  // namespace jitwg::registry
