// /v1/peers, /v1/networks and /v1/gateways.
#include "tests/peer-api/service_fixture.h"

namespace jitwg::api {
namespace {

using testing::HasSubstr;

TEST_F(ServiceTest, APeerIsCreatedWithAnAddressAndTheSameCallAgainFindsIt) {
  PutPools();
  const Answer created =
      Create(1, R"(,"name":"laptop","expires_at":"2030-01-02T03:04:05.5+01:00")");
  EXPECT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.Header("Location"), PeerPath(1));
  const auto peer = created.Json();
  EXPECT_EQ(peer["allowed_ips"], nlohmann::json({"10.8.0.1/32"}));
  EXPECT_EQ(peer["expires_at"], "2030-01-02T02:04:05.500000Z");
  EXPECT_EQ(peer["preshared_key_set"], false);
  EXPECT_EQ(peer["last_seen"], nullptr);
  clock_.Advance(std::chrono::hours(1));
  const Answer again = Create(1, R"(,"name":"laptop","expires_at":"2030-01-02T02:04:05.5Z")");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.Json(), peer);
  const Answer other = Create(1, R"(,"name":"phone","expires_at":"2030-01-02T02:04:05.5Z")");
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(other.Code(), "already_exists");
  EXPECT_THAT(other.Detail(), HasSubstr("name"));
}

TEST_F(ServiceTest, AGeneratedPresharedKeyIsMadeOnceAndShownNowhereInPeers) {
  PutPools();
  ASSERT_EQ(Create(1, R"(,"generate_preshared_key":true)").status, 201);
  const auto first = control_->Get(TestKey(1))->value().preshared_key->Clone();
  EXPECT_FALSE(first.IsZero());
  const Answer again = Create(1, R"(,"generate_preshared_key":true)");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.Json()["preshared_key_set"], true);
  EXPECT_TRUE(first == *control_->Get(TestKey(1))->value().preshared_key);
  const std::string text = SecretToBase64(first);
  for (const std::string& body :
       {again.body, Call("GET", PeerPath(1)).body, Call("GET", "/v1/peers").body,
        Call("PATCH", PeerPath(1), R"({"name":"x"})").body}) {
    EXPECT_EQ(body.find(text), std::string::npos) << body;
  }
  ASSERT_EQ(Create(2).status, 201);
  EXPECT_EQ(Create(2, R"(,"generate_preshared_key":true)").status, 409);
}

TEST_F(ServiceTest, WhatIsNoPeerIsRefusedByTheFieldsName) {
  const auto refused = [&](const std::string& rest, const std::string& name) {
    const Answer answer = Create(1, rest);
    EXPECT_EQ(answer.status, 400) << rest;
    EXPECT_EQ(answer.Code(), "invalid_argument") << rest;
    EXPECT_THAT(answer.Detail(), HasSubstr(name)) << rest;
  };
  refused(R"(,"colour":"red")", "colour");
  refused(R"(,"name":7)", "name");
  refused(R"(,"name":"a","name":"b")", "name");
  refused(R"(,"name":"\u001b[31m")", "name");
  refused(R"(,"allowed_ips":"10.8.0.1/32")", "allowed_ips");
  refused(R"(,"allowed_ips":["10.8.0.1/24"])", "10.8.0.0/24");
  refused(R"(,"allowed_ips":["10.8.0.0/24","10.8.0.1/32"])", "overlap");
  refused(R"(,"allowed_ips":[null])", "allowed_ips");
  refused(R"(,"persistent_keepalive":65536)", "persistent_keepalive");
  refused(R"(,"persistent_keepalive":1.5)", "persistent_keepalive");
  refused(R"(,"persistent_keepalive":18446744073709551615)", "persistent_keepalive");
  refused(R"(,"pinned":"yes")", "pinned");
  refused(R"(,"expires_at":"tomorrow")", "expires_at");
  refused(R"(,"expires_at":17)", "expires_at");
  refused(R"(,"network":"Default")", "network");
  refused(R"(,"preshared_key":"short")", "preshared_key");
  refused(R"(,"generate_preshared_key":true,"preshared_key":")" + TestKey(7).ToBase64() + "\"",
          "generate_preshared_key");
  const std::string deep(100, '[');
  refused(R"(,"name":)" + deep, "deep");
  EXPECT_EQ(Call("POST", "/v1/peers", "{").status, 400);
  EXPECT_EQ(Call("POST", "/v1/peers", "[]").status, 400);
  EXPECT_EQ(Call("POST", "/v1/peers", "{}").Detail(), "public_key is missing");
  EXPECT_EQ(Call("POST", "/v1/peers", R"({"public_key":"x"} {})").status, 400);
  EXPECT_EQ(Call("POST", "/v1/peers", "{\"name\":\"\xff\"}").status, 400);
  EXPECT_TRUE(control_->Search({})->empty());
}

TEST_F(ServiceTest, APoolThatIsUsedUpIsAConflictAndNoOutage) {
  ASSERT_EQ(Call("PUT", "/v1/networks/default", R"({"pools":["10.8.0.0/30"]})").status, 200);
  EXPECT_EQ(Create(1).status, 201);
  EXPECT_EQ(Create(2).status, 201);
  const Answer full = Create(3);
  EXPECT_EQ(full.status, 409);
  EXPECT_EQ(full.Code(), "resource_exhausted");
  EXPECT_EQ(Create(4, R"(,"network":"other")").status, 404);
}

TEST_F(ServiceTest, PeersAreListedPageByPageAndFiltered) {
  PutPools();
  for (unsigned i = 1; i <= 5; ++i) {
    ASSERT_EQ(Create(i, i % 2 == 0 ? R"(,"name":"Even one","enabled":false)" : "").status, 201);
  }
  std::vector<std::string> seen;
  std::string target = "/v1/peers?limit=2";
  for (int page = 0; page < 3; ++page) {
    const auto body = Call("GET", target).Json();
    for (const auto& peer : body["peers"]) seen.push_back(peer["public_key"]);
    if (body["next_cursor"].is_null()) break;
    target = "/v1/peers?limit=2&cursor=" + body["next_cursor"].get<std::string>();
  }
  ASSERT_EQ(seen.size(), 5U);
  for (unsigned i = 1; i <= 5; ++i) EXPECT_EQ(seen[i - 1], TestKey(i).ToBase64());
  const auto count = [&](const std::string& query) {
    return Call("GET", "/v1/peers?" + query).Json()["peers"].size();
  };
  EXPECT_EQ(count("enabled=false"), 2U);
  EXPECT_EQ(count("name=even+ONE"), 2U);
  EXPECT_EQ(count("name=even%20o"), 2U);
  EXPECT_EQ(count("network=other"), 0U);
  EXPECT_EQ(count("pinned=true"), 0U);
  EXPECT_EQ(count("gateway=gw"), 0U);
  for (const char* bad : {"limit=0", "limit=1001", "limit=x", "cursor=x", "enabled=1",
                          "pinned=false", "network=A", "limit="}) {
    EXPECT_EQ(Call("GET", std::string("/v1/peers?") + bad).status, 400) << bad;
  }
}

TEST_F(ServiceTest, APeerIsFoundByEveryFormOfItsKey) {
  PutPools();
  ASSERT_EQ(Create(1).status, 201);
  std::string escaped;
  for (const char c : TestKey(1).ToBase64()) {
    escaped += c == '/' ? "%2F" : c == '+' ? "%2b" : c == '=' ? "%3D" : std::string(1, c);
  }
  EXPECT_NE(escaped, TestKey(1).ToBase64());
  EXPECT_EQ(Call("GET", "/v1/peers/" + escaped).status, 200);
  EXPECT_EQ(Call("GET", PeerPath(1)).status, 200);
  EXPECT_EQ(Call("GET", PeerPath(1) + "%3d").status, 200);
  EXPECT_EQ(Call("GET", PeerPath(2)).status, 404);
  EXPECT_EQ(Call("GET", PeerPath(2)).Code(), "not_found");
  EXPECT_EQ(Call("GET", "/v1/peers/tooshort").status, 400);
  EXPECT_EQ(Call("GET", PeerPath(1) + "AA").status, 400);
}

TEST_F(ServiceTest, APatchEnablesDisablesExpiresAndPins) {
  PutPools();
  ASSERT_EQ(Create(1).status, 201);
  auto peer = Call("PATCH", PeerPath(1),
                   R"({"enabled":false,"pinned":true,"expires_at":"2030-01-01T00:00:00Z"})")
                  .Json();
  EXPECT_EQ(peer["enabled"], false);
  EXPECT_EQ(peer["pinned"], true);
  EXPECT_EQ(peer["expires_at"], "2030-01-01T00:00:00Z");
  peer = Call("PATCH", PeerPath(1), R"({"expires_at":null})").Json();
  EXPECT_EQ(peer["expires_at"], nullptr);
  EXPECT_EQ(peer["pinned"], true);
  EXPECT_EQ(Call("PATCH", PeerPath(1), R"({"public_key":"x"})").status, 400);
  EXPECT_EQ(Call("PATCH", PeerPath(1), R"({"enabled":null})").status, 400);
  EXPECT_EQ(Call("PATCH", PeerPath(1), R"({"allowed_ips":[]})").status, 400);
  EXPECT_EQ(Call("PATCH", PeerPath(9), "{}").status, 404);
}

TEST_F(ServiceTest, ADeletedPeerIsGone) {
  PutPools();
  ASSERT_EQ(Create(1).status, 201);
  const Answer deleted = Call("DELETE", PeerPath(1));
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.body, "");
  EXPECT_EQ(Call("DELETE", PeerPath(1)).status, 404);
}

TEST_F(ServiceTest, NetworksArePutShownListedAndDeleted) {
  PutPools();
  const Answer shown = Call("GET", "/v1/networks/default");
  EXPECT_EQ(shown.Json()["pools"], nlohmann::json({"10.8.0.0/24"}));
  EXPECT_EQ(Call("GET", "/v1/networks").Json()["networks"].size(), 1U);
  ASSERT_EQ(Create(1).status, 201);
  const Answer used = Call("DELETE", "/v1/networks/default");
  EXPECT_EQ(used.status, 409);
  EXPECT_EQ(used.Code(), "failed_precondition");
  ASSERT_EQ(Call("DELETE", PeerPath(1)).status, 204);
  EXPECT_EQ(Call("DELETE", "/v1/networks/default").status, 204);
  EXPECT_EQ(Call("GET", "/v1/networks/default").status, 404);
  EXPECT_EQ(Call("PUT", "/v1/networks/Default", R"({"pools":[]})").status, 400);
  EXPECT_EQ(Call("PUT", "/v1/networks/a", "{}").status, 400);
  EXPECT_EQ(Call("PUT", "/v1/networks/a", R"({"pools":["10.8.0.0/32"]})").status, 400);
}

TEST_F(ServiceTest, PeersAndGatewaysShowWhatGatewaysReported) {
  PutPools();
  ASSERT_EQ(Create(1).status, 201);
  const auto report = [&](const std::string& gateway, std::int64_t seconds) {
    const auto now =
        std::chrono::duration_cast<std::chrono::microseconds>(clock_.WallNow().time_since_epoch())
            .count();
    const nlohmann::json body{{"gateway", {{"name", gateway}, {"version", "0.1.0"}, {"peers", 1}}},
                              {"sightings",
                               {{{"public_key", TestKey(1).ToBase64()},
                                 {"interface", "wg0"},
                                 {"endpoint", "[2001:db8::1]:443"},
                                 {"last_handshake", nullptr},
                                 {"rx_bytes", 5},
                                 {"tx_bytes", 6},
                                 {"seen_at", now + seconds * 1'000'000}}}}};
    return Call("POST", "/internal/v1/reports", body.dump(), kGateway).status;
  };
  EXPECT_EQ(report("gw-1", -5), 204);
  EXPECT_EQ(report("gw-2", -9), 204);
  const auto peer = Call("GET", PeerPath(1)).Json();
  EXPECT_EQ(peer["last_seen"]["gateway"], "gw-1");
  EXPECT_EQ(peer["last_seen"]["endpoint"], "[2001:db8::1]:443");
  EXPECT_EQ(peer["last_seen"]["last_handshake"], nullptr);
  EXPECT_EQ(Call("GET", "/v1/peers").Json()["peers"][0], peer);
  const auto gateways = Call("GET", "/v1/gateways").Json()["gateways"];
  ASSERT_EQ(gateways.size(), 2U);
  EXPECT_EQ(gateways[1]["name"], "gw-2");
}

}  // namespace
}  // namespace jitwg::api
