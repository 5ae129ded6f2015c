// Who may call what, how often, and what is refused before a body is read.
#include <fstream>
#include <set>

#include "peer-api/openapi.h"
#include "tests/peer-api/service_fixture.h"

namespace jitwg::api {
namespace {

using testing::HasSubstr;

std::string Filled(std::string pattern) {
  const auto fill = [&](const std::string& name, const std::string& value) {
    const auto at = pattern.find(name);
    if (at != std::string::npos) pattern.replace(at, name.size(), value);
  };
  fill("{key}", ToKeySegment(TestKey(1)));
  fill("{name}", "default");
  return pattern;
}

TEST_F(ServiceTest, EveryRouteWantsTheTokenOfItsRole) {
  for (const Route& route : service().router().routes()) {
    const std::string target = Filled(route.pattern);
    const auto status = [&](const char* token) {
      return Call(route.method, target, "", token).status;
    };
    const std::string shown = route.method + " " + route.pattern;
    if (route.role == Role::kAnyone) {
      EXPECT_EQ(status(""), 200) << shown;
      continue;
    }
    EXPECT_EQ(status(""), 401) << shown;
    EXPECT_EQ(status("Bearer admin-token-of-the-testsX"), 401) << shown;
    EXPECT_EQ(status("Bearer "), 401) << shown;
    EXPECT_EQ(status("Basic admin-token-of-the-tests"), 401) << shown;
    EXPECT_NE(status(kAdmin), 401) << shown;
    EXPECT_NE(status(kAdmin), 403) << shown;
    EXPECT_EQ(status(kGateway) == 403, route.role == Role::kAdmin) << shown;
  }
}

TEST_F(ServiceTest, GatewaysReadRowsAndReportAndNothingElse) {
  std::set<std::string> theirs;
  for (const Route& route : service().router().routes()) {
    if (route.role == Role::kGateway) theirs.insert(route.method + " " + route.pattern);
  }
  EXPECT_EQ(theirs, (std::set<std::string>{"GET /internal/v1/peers/{key}", "GET /internal/v1/peers",
                                           "GET /internal/v1/holder", "GET /internal/v1/changes",
                                           "POST /internal/v1/reports"}));
}

TEST_F(ServiceTest, TheDocumentHasEveryRouteAndNoOther) {
  std::set<std::string> routes;
  for (const Route& route : service().router().routes()) {
    routes.insert(route.method + " " + route.pattern);
  }
  std::set<std::string> documented;
  const auto document = nlohmann::json::parse(OpenApiText());
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      std::string name = method;
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return static_cast<char>(c - 'a' + 'A'); });
      documented.insert(name + " " + path);
    }
  }
  EXPECT_EQ(routes, documented);
}

TEST_F(ServiceTest, TheDocumentHasEveryQueryParameterAndNoOther) {
  const auto document = nlohmann::json::parse(OpenApiText());
  for (const Route& route : service().router().routes()) {
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(),
                   [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    const auto& operation = document["paths"][route.pattern][method];
    std::set<std::string> documented;
    for (const auto& parameter : operation.value("parameters", nlohmann::json::array())) {
      documented.insert(parameter["name"].get<std::string>());
    }
    EXPECT_EQ(std::set<std::string>(route.query.begin(), route.query.end()), documented);
    EXPECT_EQ(operation.contains("requestBody"), route.takes_body) << route.pattern;
    EXPECT_EQ(operation.contains("security"), route.role == Role::kAnyone) << route.pattern;
  }
}

TEST_F(ServiceTest, WhatIsNotThereIsAProblemWithACode) {
  const Answer path = Call("GET", "/v1/nothing");
  EXPECT_EQ(path.status, 404);
  EXPECT_EQ(path.type, "application/problem+json");
  EXPECT_EQ(path.Code(), "not_found");
  EXPECT_EQ(path.Json()["title"], "Not Found");
  EXPECT_EQ(path.Json()["status"], 404);
  const Answer method = Call("PATCH", "/v1/peers");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.Header("Allow"), "POST, GET, HEAD");
  EXPECT_EQ(Call("GET", "/v1/nothing", "", "").status, 401);
  EXPECT_EQ(Call("GET", "/v1/peers/").status, 404);
  EXPECT_EQ(Call("GET", "//v1/peers").status, 404);
}

TEST_F(ServiceTest, BadTargetsAreRefused) {
  EXPECT_EQ(Call("GET", "/v1/peers?limit=%zz").status, 400);
  EXPECT_EQ(Call("GET", "/v1/peers?limit=1&limit=2").status, 400);
  EXPECT_EQ(Call("GET", "/v1/peers?name=a%00b").status, 400);
  EXPECT_EQ(Call("GET", "/v1/peers?name=" + std::string(2100, 'a')).status, 414);
  const Answer unknown = Call("GET", "/v1/peers?color=red");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_THAT(unknown.Detail(), HasSubstr("cursor, limit, network"));
}

TEST_F(ServiceTest, BodiesAreJsonAndOnlyWhereTheyBelong) {
  EXPECT_EQ(Call("GET", "/v1/peers", "{}").status, 400);
  RequestHead head;
  head.method = "POST";
  head.target = "/v1/peers";
  head.authorization = kAdmin;
  EXPECT_EQ(Send(head, "{}").status, 415);
  head.content_type = "text/plain";
  EXPECT_EQ(Send(head, "{}").status, 415);
  head.content_type = "Application/JSON";
  EXPECT_EQ(Send(head, "{}").status, 400);
}

TEST_F(ServiceTest, EachTokenAndEachSourceHasItsOwnAllowance) {
  options_.admin_limit = {1, 2};
  options_.gateway_limit = {1, 3};
  EXPECT_EQ(Call("GET", "/v1/gateways").status, 200);
  EXPECT_EQ(Call("GET", "/v1/gateways").status, 200);
  const Answer limited = Call("GET", "/v1/gateways");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.Code(), "resource_exhausted");
  EXPECT_EQ(limited.Header("Retry-After"), "1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Call("GET", "/internal/v1/changes", "", kGateway).status, 200);
  }
  EXPECT_EQ(Call("GET", "/internal/v1/changes", "", kGateway).status, 429);
  // Those who guess tokens use up their own source's allowance.
  EXPECT_EQ(Call("GET", "/v1/peers", "", "Bearer guess-guess-guess-1").status, 401);
  EXPECT_EQ(Call("GET", "/v1/peers", "", "Bearer guess-guess-guess-2").status, 401);
  EXPECT_EQ(Call("GET", "/v1/peers", "", "Bearer guess-guess-guess-3").status, 429);
  source_ = "192.0.2.2";
  EXPECT_EQ(Call("GET", "/v1/peers", "", "Bearer guess-guess-guess-4").status, 401);
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Call("GET", "/v1/gateways").status, 200);
  EXPECT_EQ(Call("GET", "/v1/gateways").status, 429);
}

TEST_F(ServiceTest, AFloodOfStrangersTakesNothingFromThoseWithAToken) {
  options_.admin_limit = {1, 2};
  for (std::size_t i = 0; i < RateLimiter::kMaxBuckets + 10; ++i) {
    source_ = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    Call("GET", "/v1/peers", "", "Bearer guess-guess-guess-1");
  }
  EXPECT_EQ(Call("GET", "/v1/peers", "", "Bearer guess-guess-guess-1").status, 429);
  EXPECT_EQ(Call("GET", "/v1/gateways").status, 200);
  EXPECT_EQ(Call("GET", "/v1/gateways").status, 200);
  EXPECT_EQ(Call("GET", "/v1/gateways").status, 429);
}

TEST_F(ServiceTest, AllAddressesOfAnIpv6NetworkAreOneStranger) {
  options_.admin_limit = {1, 2};
  const auto guess = [this](const std::string& source) {
    source_ = source;
    return Call("GET", "/v1/peers", "", "Bearer guess-guess-guess-1").status;
  };
  EXPECT_EQ(guess("2001:db8:1:2::1"), 401);
  EXPECT_EQ(guess("2001:db8:1:2:ffff::1"), 401);
  EXPECT_EQ(guess("2001:db8:1:2::3"), 429);
  EXPECT_EQ(guess("2001:db8:1:3::1"), 401);
  // Callers over IPv4 at a socket of IPv6.
  for (int i = 1; i < 5; ++i) EXPECT_EQ(guess("::ffff:192.0.2." + std::to_string(i)), 401);
}

TEST_F(ServiceTest, HealthTellsStrangersThatTheRegistryIsAwayAndNotWhy) {
  EXPECT_EQ(Call("GET", "/healthz", "", "").status, 200);
  auto raw = std::move(*registry::SqliteDatabase::Open(directory_ + "/r.db"));
  ASSERT_TRUE(raw.Execute("PRAGMA foreign_keys = OFF; DROP TABLE sighting; DROP TABLE peer"));
  const Answer away = Call("GET", "/healthz", "", "");
  EXPECT_EQ(away.status, 503);
  EXPECT_EQ(away.Code(), "unavailable");
  EXPECT_EQ(away.Detail().find("peer"), std::string::npos);
}

TEST_F(ServiceTest, ChaosStrikesAllButHealthAndDocument) {
  options_.chaos = ParseChaos({"fail=1"}).value();
  EXPECT_EQ(Call("GET", "/v1/peers").status, 503);
  EXPECT_EQ(Call("GET", "/internal/v1/changes", "", kGateway).status, 503);
  EXPECT_EQ(Call("GET", "/healthz").status, 200);
  EXPECT_EQ(Call("GET", "/openapi.json").status, 200);
}

TEST_F(ServiceTest, ChaosTalksNonsense) {
  options_.chaos = ParseChaos({"garbage=1"}).value();
  const Answer garbage = Call("GET", "/v1/peers");
  EXPECT_EQ(garbage.status, 200);
  EXPECT_TRUE(garbage.Json().is_discarded());
}

}  // namespace
}  // namespace jitwg::api
