// Which handler answers which method and path, and what role it needs. The table is the one truth
// that /openapi.json is tested against.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "peer-api/message.h"
#include "peer-api/uri.h"

namespace jitwg::api {

// What a handler gets beside the body.
struct Call {
  const Request& request;
  const std::map<std::string, std::string>& path;   // "{key}" of the pattern, decoded
  const std::map<std::string, std::string>& query;  // only names the route has
};

struct Route {
  std::string method;
  std::string pattern;  // "/v1/peers/{key}"
  Role role = Role::kAdmin;
  bool takes_body = false;
  std::vector<std::string> query;  // the parameters it knows
  std::function<Response(const Call&)> handle;
};

struct Match {
  const Route* route = nullptr;  // nullptr: no such method here
  std::map<std::string, std::string> path;
  std::vector<std::string> allowed;  // methods of this path; empty: no such path
};

// Immutable once filled: thread-safe.
class Router {
 public:
  void Add(Route route) { routes_.push_back(std::move(route)); }
  Match Find(std::string_view method, const Target& target) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace jitwg::api
