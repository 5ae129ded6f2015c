// /internal/v1: the registry as gateways use it over HTTP.
#include <future>
#include <memory>
#include <utility>

#include "lib/registry/api_json.h"
#include "peer-api/message.h"
#include "peer-api/peer_json.h"
#include "peer-api/routes.h"

namespace jitwg::api {
namespace {

using registry::Peer;
using registry::Registry;

constexpr std::int64_t kMaxWaitSeconds = 25;

Result<std::optional<Peer>> FindNow(Registry& registry, const PublicKey& key,
                                    std::chrono::milliseconds timeout) {
  // Shared: the answer may come when nobody waits for it any more.
  const auto promise = std::make_shared<std::promise<Result<std::optional<Peer>>>>();
  auto future = promise->get_future();
  registry.Find(key, timeout, [promise](Result<std::optional<Peer>> found) {
    promise->set_value(std::move(found));
  });
  // A registry keeps its own deadline; this one is for one that does not.
  if (future.wait_for(timeout + std::chrono::seconds(1)) != std::future_status::ready) {
    return Error{ErrorCode::kDeadlineExceeded, "the registry did not answer in time"};
  }
  return future.get();
}

Response Show(Registry& registry, std::chrono::milliseconds timeout, const Call& call) {
  const auto key = KeyOf(call);
  if (!key) return Problem(key.error());
  const auto found = FindNow(registry, *key, timeout);
  if (!found) return Problem(found.error());
  if (!*found) return NoSuchPeer(*key);
  return {200, "application/json", RowText(**found)};
}

Result<registry::ListQuery> ReadQuery(const Call& call) {
  registry::ListQuery query;
  const auto limit = QueryNumber(call, "limit", 100, 1, registry::kMaxListLimit);
  if (!limit) return limit.error();
  query.limit = static_cast<std::size_t>(*limit);
  if (const std::string* text = QueryText(call, "after")) {
    const auto after = ParseKeySegment(*text);
    if (!after) return Error{ErrorCode::kInvalidArgument, "parameter after is no public key"};
    query.after = *after;
  }
  if (const std::string* network = QueryText(call, "network"); network && !network->empty()) {
    if (auto valid = registry::ValidateNetwork(*network); !valid) return valid.error();
    query.network = *network;
  }
  const auto pinned = QueryBool(call, "pinned");
  if (!pinned) return pinned.error();
  query.pinned_only = pinned->value_or(false);
  return query;
}

Response List(Registry& registry, const Call& call) {
  const auto query = ReadQuery(call);
  if (!query) return Problem(query.error());
  const auto peers = registry.List(*query);
  if (!peers) return Problem(peers.error());
  return {200, "application/json", RowsText(*peers)};
}

Response Holder(Registry& registry, const Call& call) {
  const std::string* text = QueryText(call, "address");
  if (text == nullptr) return Problem({ErrorCode::kInvalidArgument, "parameter address is needed"});
  const auto address = IpAddress::Parse(*text);
  if (!address) return Problem({ErrorCode::kInvalidArgument, "parameter address is no IP address"});
  const std::string* network = QueryText(call, "network");
  const auto holder = registry.FindHolder(network == nullptr ? "" : *network, *address);
  if (!holder) return Problem(holder.error());
  return {200, "application/json", registry::HolderToJson(*holder)};
}

// A gateway that subscribes after its own write was answered is not told of that write, as with
// every registry: so it is in the feed before the answer goes out.
constexpr std::chrono::milliseconds kNoticePatience(1000);

Response Put(Registry& registry, ChangeFeed& changes, const Call& call) {
  const auto key = KeyOf(call);
  if (!key) return Problem(key.error());
  const auto replace = QueryBool(call, "replace");
  if (!replace) return Problem(replace.error());
  auto body = BodyOf(call);
  if (!body) return Problem(body.error());
  const auto peer = ReadRow(*body);
  WipeSecrets(*body);
  if (!peer) return Problem(peer.error());
  if (peer->public_key != *key) {
    return Problem({ErrorCode::kInvalidArgument, "public_key is not the one of the path"});
  }
  const std::uint64_t mark = changes.Mark();
  const auto put = registry.Put(*peer, replace->value_or(false));
  if (!put) return Problem(put.error());
  changes.AwaitKey(mark, *key, kNoticePatience);
  return NoContent();
}

Response Remove(Registry& registry, ChangeFeed& changes, const Call& call) {
  const auto key = KeyOf(call);
  if (!key) return Problem(key.error());
  const std::uint64_t mark = changes.Mark();
  const auto removed = registry.Remove(*key);
  if (!removed) return Problem(removed.error());
  changes.AwaitKey(mark, *key, kNoticePatience);
  return NoContent();
}

Response Changes(ChangeFeed& changes, const Call& call) {
  const auto wait = QueryNumber(call, "wait", 0, 0, kMaxWaitSeconds);
  if (!wait) return Problem(wait.error());
  const std::string* cursor = QueryText(call, "cursor");
  const auto news =
      changes.Next(cursor == nullptr ? std::nullopt : std::optional<std::string_view>(*cursor),
                   std::chrono::seconds(*wait));
  if (!news) return Problem(news.error());
  nlohmann::json keys = nlohmann::json::array();
  for (const PublicKey& key : news->keys) keys.push_back(key.ToBase64());
  return JsonResponse(
      200, {{"cursor", news->cursor}, {"reset", news->reset}, {"keys", std::move(keys)}});
}

Response Report(Registry& registry, const Call& call) {
  const auto body = BodyOf(call);
  if (!body) return Problem(body.error());
  const auto report = ReadReport(*body);
  if (!report) return Problem(report.error());
  const auto taken = registry.Report(*report);
  return taken ? NoContent() : Problem(taken.error());
}

}  // namespace

void AddInternalRoutes(Router& router, Registry& registry, ChangeFeed& changes,
                       std::chrono::milliseconds lookup_timeout) {
  const auto with = [&registry](Response (*handler)(Registry&, const Call&)) {
    return [&registry, handler](const Call& call) { return handler(registry, call); };
  };
  const std::string one = "/internal/v1/peers/{key}";
  router.Add({"GET", one, Role::kGateway, false, {}, [&registry, lookup_timeout](const Call& call) {
                return Show(registry, lookup_timeout, call);
              }});
  router.Add({"PUT", one, Role::kAdmin, true, {"replace"}, [&registry, &changes](const Call& call) {
                return Put(registry, changes, call);
              }});
  router.Add({"DELETE", one, Role::kAdmin, false, {}, [&registry, &changes](const Call& call) {
                return Remove(registry, changes, call);
              }});
  router.Add({"GET",
              "/internal/v1/peers",
              Role::kGateway,
              false,
              {"after", "limit", "network", "pinned"},
              with(List)});
  router.Add(
      {"GET", "/internal/v1/holder", Role::kGateway, false, {"address", "network"}, with(Holder)});
  router.Add({"GET",
              "/internal/v1/changes",
              Role::kGateway,
              false,
              {"cursor", "wait"},
              [&changes](const Call& call) { return Changes(changes, call); }});
  router.Add({"POST", "/internal/v1/reports", Role::kGateway, true, {}, with(Report)});
}

}  // namespace jitwg::api
