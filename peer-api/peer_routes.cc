// /v1/peers: create, list, show, change, delete.
#include <sodium/randombytes.h>

#include <map>
#include <utility>
#include <vector>

#include "peer-api/json_reader.h"
#include "peer-api/message.h"
#include "peer-api/peer_json.h"
#include "peer-api/routes.h"

namespace jitwg::api {
namespace {

using registry::ControlPlane;
using registry::Peer;
using registry::Sighting;

PresharedKey GeneratePresharedKey() {
  PresharedKey key;
  randombytes_buf(key.mutable_bytes().data(), kKeySize);
  return key;
}

// Each peer's newest sighting.
Result<std::map<PublicKey, Sighting>> NewestSightings(ControlPlane& control,
                                                      const std::vector<PublicKey>& keys) {
  auto sightings = control.SightingsOf(keys);
  if (!sightings) return sightings.error();
  std::map<PublicKey, Sighting> newest;
  for (Sighting& sighting : *sightings) {
    const auto [place, added] = newest.try_emplace(sighting.public_key, sighting);
    if (!added && place->second.seen_at < sighting.seen_at) place->second = std::move(sighting);
  }
  return newest;
}

Response PeerResponse(ControlPlane& control, int status, const Peer& peer) {
  const auto newest = NewestSightings(control, {peer.public_key});
  if (!newest) return Problem(newest.error());
  const auto found = newest->find(peer.public_key);
  return JsonResponse(status, ToJson(peer, found == newest->end() ? nullptr : &found->second));
}

Error NotAsWished(const PublicKey& key, const std::string& what) {
  return Error{ErrorCode::kAlreadyExists, "peer " + key.ToBase64() + " is there already " + what +
                                              "; change it, or delete it first"};
}

// What is there answers the wish, whose preshared key any will do for.
Result<registry::CreatedPeer> TakeExisting(const Peer& wish, Peer there) {
  if (!there.preshared_key) return NotAsWished(wish.public_key, "without a preshared key");
  std::string list;
  for (const std::string& name : registry::UnmetWishes(wish, there)) {
    list += (list.empty() ? "" : ", ") + name;
  }
  if (!list.empty()) return NotAsWished(wish.public_key, "with other settings (" + list + ")");
  return registry::CreatedPeer{std::move(there), false};
}

// A preshared key that is to be generated is so once: whoever asks again gets what is there.
Result<registry::CreatedPeer> CreateWithKey(ControlPlane& control, Peer& wish) {
  auto there = control.Get(wish.public_key);
  if (!there) return there.error();
  if (*there) return TakeExisting(wish, std::move(**there));
  wish.preshared_key = GeneratePresharedKey();
  auto created = control.Create(wish);
  wish.preshared_key.reset();
  if (created || created.error().code != ErrorCode::kAlreadyExists) return created;
  // An address is taken, or somebody was faster and another key was generated.
  there = control.Get(wish.public_key);
  if (!there) return there.error();
  if (!*there) return created;
  return TakeExisting(wish, std::move(**there));
}

Response Create(ControlPlane& control, const Call& call) {
  auto body = BodyOf(call);
  if (!body) return Problem(body.error());
  auto wish = ReadCreate(*body);
  WipeSecrets(*body);
  if (!wish) return Problem(wish.error());
  const auto created = wish->generate_preshared_key ? CreateWithKey(control, wish->peer)
                                                    : control.Create(wish->peer);
  if (!created) {
    // Used-up pools stay so: trying again, as 503 suggests, would not help.
    if (created.error().code != ErrorCode::kResourceExhausted) return Problem(created.error());
    return Problem(409, ErrorCode::kResourceExhausted, created.error().message);
  }
  Response response = PeerResponse(control, created->created ? 201 : 200, created->peer);
  response.headers.emplace_back("Location", "/v1/peers/" + ToKeySegment(created->peer.public_key));
  return response;
}

Result<registry::PeerFilter> ReadFilter(const Call& call) {
  registry::PeerFilter filter;
  const auto limit = QueryNumber(call, "limit", 100, 1, registry::kMaxListLimit);
  if (!limit) return limit.error();
  filter.query.limit = static_cast<std::size_t>(*limit);
  if (const std::string* cursor = QueryText(call, "cursor")) {
    const auto after = ParseKeySegment(*cursor);
    if (!after) return Error{ErrorCode::kInvalidArgument, "parameter cursor is none of ours"};
    filter.query.after = *after;
  }
  if (const std::string* network = QueryText(call, "network")) {
    if (auto valid = registry::ValidateNetwork(*network); !valid) return valid.error();
    filter.query.network = *network;
  }
  const auto enabled = QueryBool(call, "enabled");
  if (!enabled) return enabled.error();
  filter.enabled = *enabled;
  const std::string* pinned = QueryText(call, "pinned");
  if (pinned != nullptr && *pinned != "true") {
    return Error{ErrorCode::kInvalidArgument, "parameter pinned is true, or is left out"};
  }
  filter.query.pinned_only = pinned != nullptr;
  for (const char* name : {"name", "gateway"}) {
    const std::string* text = QueryText(call, name);
    if (text == nullptr) continue;
    if (auto valid = registry::ValidateLabel(name, *text); !valid) return valid.error();
  }
  if (const std::string* name = QueryText(call, "name")) filter.name_contains = *name;
  if (const std::string* gateway = QueryText(call, "gateway")) filter.gateway = *gateway;
  return filter;
}

Response List(ControlPlane& control, const Call& call) {
  const auto filter = ReadFilter(call);
  if (!filter) return Problem(filter.error());
  const auto peers = control.Search(*filter);
  if (!peers) return Problem(peers.error());
  std::vector<PublicKey> keys;
  for (const Peer& peer : *peers) keys.push_back(peer.public_key);
  const auto newest = NewestSightings(control, keys);
  if (!newest) return Problem(newest.error());
  nlohmann::json list = nlohmann::json::array();
  for (const Peer& peer : *peers) {
    const auto found = newest->find(peer.public_key);
    list.push_back(ToJson(peer, found == newest->end() ? nullptr : &found->second));
  }
  nlohmann::json body{{"peers", std::move(list)}, {"next_cursor", nullptr}};
  if (peers->size() == filter->query.limit) {
    body["next_cursor"] = ToKeySegment(peers->back().public_key);
  }
  return JsonResponse(200, body);
}

Response Show(ControlPlane& control, const Call& call) {
  const auto key = KeyOf(call);
  if (!key) return Problem(key.error());
  const auto peer = control.Get(*key);
  if (!peer) return Problem(peer.error());
  return *peer ? PeerResponse(control, 200, **peer) : NoSuchPeer(*key);
}

Response Patch(ControlPlane& control, const Call& call) {
  const auto key = KeyOf(call);
  if (!key) return Problem(key.error());
  const auto body = BodyOf(call);
  if (!body) return Problem(body.error());
  const auto patch = ReadPatch(*body);
  if (!patch) return Problem(patch.error());
  const auto peer = control.Update(*key, *patch);
  return peer ? PeerResponse(control, 200, *peer) : Problem(peer.error());
}

Response Delete(ControlPlane& control, const Call& call) {
  const auto key = KeyOf(call);
  if (!key) return Problem(key.error());
  const auto deleted = control.Delete(*key);
  return deleted ? NoContent() : Problem(deleted.error());
}

}  // namespace

void AddPeerRoutes(Router& router, ControlPlane& control) {
  const auto with = [&control](Response (*handler)(ControlPlane&, const Call&)) {
    return [&control, handler](const Call& call) { return handler(control, call); };
  };
  router.Add({"POST", "/v1/peers", Role::kAdmin, true, {}, with(Create)});
  router.Add({"GET",
              "/v1/peers",
              Role::kAdmin,
              false,
              {"cursor", "limit", "network", "enabled", "pinned", "name", "gateway"},
              with(List)});
  router.Add({"GET", "/v1/peers/{key}", Role::kAdmin, false, {}, with(Show)});
  router.Add({"PATCH", "/v1/peers/{key}", Role::kAdmin, true, {}, with(Patch)});
  router.Add({"DELETE", "/v1/peers/{key}", Role::kAdmin, false, {}, with(Delete)});
}

}  // namespace jitwg::api
