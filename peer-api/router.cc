#include "peer-api/router.h"

#include <optional>

namespace jitwg::api {
namespace {

using PathValues = std::map<std::string, std::string>;

std::optional<PathValues> MatchPattern(std::string_view pattern,
                                       const std::vector<std::string>& segments) {
  PathValues values;
  for (const std::string& segment : segments) {
    if (pattern.empty()) return std::nullopt;
    pattern.remove_prefix(1);  // the slash
    const std::string_view part = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(part.size());
    if (part.size() > 2 && part.front() == '{') {
      if (segment.empty()) return std::nullopt;
      values[std::string(part.substr(1, part.size() - 2))] = segment;
    } else if (part != segment) {
      return std::nullopt;
    }
  }
  if (!pattern.empty()) return std::nullopt;
  return values;
}

}  // namespace

Match Router::Find(std::string_view method, const Target& target) const {
  Match match;
  for (const Route& route : routes_) {
    auto values = MatchPattern(route.pattern, target.segments);
    if (!values) continue;
    match.allowed.push_back(route.method);
    if (route.method != method) continue;
    match.route = &route;
    match.path = std::move(*values);
  }
  return match;
}

}  // namespace jitwg::api
