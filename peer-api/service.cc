#include "peer-api/service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "peer-api/message.h"
#include "peer-api/routes.h"

namespace jitwg::api {
namespace {

constexpr std::size_t kMaxTarget = 2048;

Response NoSuchPath() { return Problem({ErrorCode::kNotFound, "there is no such path"}); }

Response NoSuchMethod(const std::vector<std::string>& allowed) {
  std::string list;
  for (const std::string& method : allowed) {
    list += (list.empty() ? "" : ", ") + method;
    if (method == "GET") list += ", HEAD";
  }
  Response response = Problem(405, ErrorCode::kUnimplemented, "this path has " + list);
  response.headers.emplace_back("Allow", list);
  return response;
}

Response NoToken() {
  Response response = Problem(401, ErrorCode::kPermissionDenied,
                              "send a token that is known: Authorization: Bearer TOKEN");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

bool IsJson(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  constexpr std::string_view kJson = "application/json";
  return std::equal(type.begin(), type.end(), kJson.begin(), kJson.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

// Probes have places of their own, else a neighbour in the network could make a good service look
// dead.
std::string StrangersPlace(const RequestHead& head, const Match& match) {
  const bool probe = match.route != nullptr && match.route->role == Role::kAnyone;
  return probe ? "open " + head.source : SourceNetwork(head.source);
}

}  // namespace

Service::Service(const Clock& clock, registry::Registry& registry, registry::ControlPlane& control,
                 Tokens tokens, ServiceOptions options)
    : options_(std::move(options)),
      registry_(registry),
      tokens_(std::move(tokens)),
      callers_(clock),
      strangers_(clock),
      changes_(options_.max_pollers),
      chaos_(options_.chaos) {
  AddPeerRoutes(router_, control);
  AddConfigRoutes(router_, control, options_.server_sides);
  AddFleetRoutes(router_, control);
  AddInternalRoutes(router_, registry, changes_, options_.lookup_timeout);
  AddMetaRoutes(router_, control, registry);
  registry_.Subscribe([this](const registry::Change& change) { changes_.Add(change); });
}

Service::~Service() {
  registry_.Subscribe({});
  Stop();
}

void Service::Stop() {
  changes_.Stop();
  chaos_.Stop();
}

std::optional<Response> Service::RefuseCaller(const RequestHead& head, const Match& match) {
  const auto caller = tokens_.Find(head.authorization);
  const bool gateway = caller && caller->role == Role::kGateway;
  const RateLimit& limit = gateway ? options_.gateway_limit : options_.admin_limit;
  const bool allowed = caller ? callers_.Allow(std::to_string(caller->token), limit)
                              : strangers_.Allow(StrangersPlace(head, match), limit);
  if (!allowed) {
    return Problem(429, ErrorCode::kResourceExhausted, "too many requests; slow down");
  }
  const Role needed = match.route == nullptr ? Role::kGateway : match.route->role;
  if (needed == Role::kAnyone) return std::nullopt;
  if (!caller) return NoToken();
  if (needed == Role::kAdmin && caller->role != Role::kAdmin) {
    return Problem(403, ErrorCode::kPermissionDenied, "this token is a gateway's; use an admin's");
  }
  return std::nullopt;
}

std::optional<Response> Service::RefuseTarget(const RequestHead& head, const Match& match,
                                              const Target& target) {
  if (match.route == nullptr) {
    return match.allowed.empty() ? NoSuchPath() : NoSuchMethod(match.allowed);
  }
  for (const auto& [name, value] : target.query) {
    const auto& known = match.route->query;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string list;
    for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
    return Problem({ErrorCode::kInvalidArgument,
                    "the query has a parameter that is not known here; there are: " +
                        (list.empty() ? "none" : list)});
  }
  if (head.has_body && !match.route->takes_body) {
    return Problem({ErrorCode::kInvalidArgument, "this call takes no body"});
  }
  if (match.route->takes_body && !IsJson(head.content_type)) {
    return Problem(415, ErrorCode::kInvalidArgument, "send Content-Type: application/json");
  }
  return std::nullopt;
}

std::optional<Response> Service::Refuse(const RequestHead& head) {
  if (head.target.size() > kMaxTarget) {
    return Problem(414, ErrorCode::kInvalidArgument, "the target has more than 2048 bytes");
  }
  const auto target = ParseTarget(head.target);
  const Match match = target ? router_.Find(head.method, *target) : Match();
  // Who has no token does not learn which paths there are.
  if (auto refused = RefuseCaller(head, match)) return refused;
  if (!target) return Problem(target.error());
  return RefuseTarget(head, match, *target);
}

Response Service::Handle(const Request& request) {
  try {
    const auto target = ParseTarget(request.head.target);
    if (!target) return Problem(target.error());
    const Match match = router_.Find(request.head.method, *target);
    if (match.route == nullptr) return NoSuchPath();
    if (match.route->role != Role::kAnyone) {
      if (auto struck = chaos_.Strike()) return std::move(*struck);
    }
    return match.route->handle({request, match.path, target->query});
  } catch (const std::exception& fault) {
    // Not what(): it may quote the body.
    spdlog::error("handler_threw method={} fault={}", request.head.method, typeid(fault).name());
    return Problem(500, ErrorCode::kInternal, "an error in this service; it is in its log");
  }
}

}  // namespace jitwg::api
