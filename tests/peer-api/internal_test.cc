// /internal/v1: what gateways read, wait for and report.
#include <future>
#include <thread>

#include "tests/peer-api/service_fixture.h"

namespace jitwg::api {
namespace {

using testing::HasSubstr;

nlohmann::json Row(unsigned number) {
  return {{"public_key", TestKey(number).ToBase64()},
          {"name", "n"},
          {"network", "default"},
          {"allowed_ips", {"10.8.0." + std::to_string(number) + "/32"}},
          {"preshared_key", TestKey(number + 100).ToBase64()},
          {"persistent_keepalive", 25},
          {"pinned", number % 2 == 0},
          {"gateway", "gw"},
          {"enabled", true},
          {"expires_at", 1'900'000'000'000'001},
          {"created_at", 1},
          {"updated_at", 2}};
}

TEST_F(ServiceTest, ARowComesBackAsItWasPut) {
  ASSERT_EQ(Call("PUT", RowPath(1), Row(1).dump()).status, 204);
  const Answer found = Call("GET", RowPath(1), "", kGateway);
  EXPECT_EQ(found.status, 200);
  auto row = found.Json();
  EXPECT_NE(row["created_at"], 1);
  EXPECT_EQ(row["created_at"], row["updated_at"]);
  row["created_at"] = 1;
  row["updated_at"] = 2;
  EXPECT_EQ(row, Row(1));
}

TEST_F(ServiceTest, AnAddressIsItsPeersOrNobodys) {
  ASSERT_EQ(Call("PUT", RowPath(1), Row(1).dump()).status, 204);
  const auto holder = [&](const std::string& query) {
    return Call("GET", "/internal/v1/holder?" + query, "", kGateway).Json()["holder"];
  };
  const nlohmann::json expected = {{"public_key", TestKey(1).ToBase64()},
                                   {"last_endpoint", nullptr}};
  EXPECT_EQ(holder("address=10.8.0.1"), expected);
  EXPECT_EQ(holder("address=10.8.0.1&network=default"), expected);
  EXPECT_EQ(holder("address=10.8.0.1&network=other"), nullptr);
  EXPECT_EQ(holder("address=10.8.0.2"), nullptr);
  EXPECT_EQ(holder("address=fd08::1"), nullptr);
  for (const char* query : {"", "?address=10.8.0", "?address=10.8.0.0/24", "?network=default",
                            "?address=10.8.0.1&network=No%20Name", "?address=10.8.0.1&odd=1"}) {
    EXPECT_EQ(Call("GET", std::string("/internal/v1/holder") + query, "", kGateway).status, 400)
        << query;
  }
}

TEST_F(ServiceTest, RowsWithAndWithoutPresharedKeysAreListedWithTheirOwn) {
  // A name that looks like the field must not be taken for it.
  nlohmann::json first = Row(1);
  first["name"] = "\"preshared_key\":\"" + std::string(44, '*') + "\"";
  nlohmann::json second = Row(2);
  second["preshared_key"] = nullptr;
  second["expires_at"] = nullptr;
  ASSERT_EQ(Call("PUT", RowPath(1), first.dump()).status, 204);
  ASSERT_EQ(Call("PUT", RowPath(2), second.dump()).status, 204);
  ASSERT_EQ(Call("PUT", RowPath(3), Row(3).dump()).status, 204);
  const auto peers = Call("GET", "/internal/v1/peers", "", kGateway).Json()["peers"];
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(peers[0]["name"], first["name"]);
  EXPECT_EQ(peers[0]["preshared_key"], TestKey(101).ToBase64());
  EXPECT_EQ(peers[1]["preshared_key"], nullptr);
  EXPECT_EQ(peers[2]["preshared_key"], TestKey(103).ToBase64());
  const auto keys = [&](const std::string& query) {
    return Call("GET", "/internal/v1/peers?" + query, "", kGateway).Json()["peers"].size();
  };
  EXPECT_EQ(keys("pinned=true"), 1U);
  EXPECT_EQ(keys("pinned=false"), 3U);
  EXPECT_EQ(keys("network="), 3U);
  EXPECT_EQ(keys("network=default&limit=2"), 2U);
  EXPECT_EQ(keys("after=" + ToKeySegment(TestKey(1))), 2U);
}

TEST_F(ServiceTest, PutAndDeleteAnswerAsTheRegistryDoes) {
  ASSERT_EQ(Call("PUT", RowPath(1), Row(1).dump()).status, 204);
  const Answer again = Call("PUT", RowPath(1, "?replace=false"), Row(1).dump());
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.Code(), "already_exists");
  EXPECT_EQ(Call("PUT", RowPath(1, "?replace=true"), Row(1).dump()).status, 204);
  const Answer mismatch = Call("PUT", RowPath(2), Row(1).dump());
  EXPECT_EQ(mismatch.status, 400);
  EXPECT_EQ(mismatch.Code(), "invalid_argument");
  nlohmann::json none = Row(1);
  none["allowed_ips"] = nlohmann::json::array();
  EXPECT_EQ(Call("PUT", RowPath(1, "?replace=true"), none.dump()).status, 400);
  EXPECT_EQ(Call("DELETE", RowPath(1)).status, 204);
  const Answer gone = Call("DELETE", RowPath(1));
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.Code(), "not_found");
  EXPECT_EQ(Call("GET", RowPath(1), "", kGateway).Code(), "not_found");
}

TEST_F(ServiceTest, ReportsAreReadStrictly) {
  const auto refused = [&](const std::string& body, const std::string& text) {
    const Answer answer = Call("POST", "/internal/v1/reports", body, kGateway);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.Detail(), HasSubstr(text)) << body;
  };
  refused("{}", "gateway");
  refused(R"({"gateway":{}})", "gateway.name");
  refused(R"({"gateway":{"name":""}})", "gateway");
  refused(R"({"gateway":{"name":"g","peers":-1}})", "gateway.peers");
  refused(R"({"gateway":{"name":"g"},"sightings":[7]})", "sightings[0]");
  refused(R"({"gateway":{"name":"g"},"sightings":[{"public_key":")" + TestKey(1).ToBase64() +
              R"(","interface":"wg0","seen_at":1,"endpoint":"nowhere:1"}]})",
          "sightings[0].endpoint");
  EXPECT_EQ(Call("POST", "/internal/v1/reports", R"({"gateway":{"name":"g"}})", kGateway).status,
            204);
}

TEST_F(ServiceTest, AChangeEndsTheWaitForIt) {
  const auto start = Call("GET", "/internal/v1/changes", "", kGateway).Json();
  EXPECT_EQ(start["reset"], true);
  const std::string cursor = start["cursor"];
  auto waiting = std::async(std::launch::async, [&] {
    return Call("GET", "/internal/v1/changes?wait=25&cursor=" + cursor, "", kGateway);
  });
  ASSERT_EQ(Call("PUT", RowPath(1), Row(1).dump()).status, 204);
  const Answer answer = waiting.get();
  EXPECT_EQ(answer.Json()["reset"], false);
  EXPECT_EQ(answer.Json()["keys"], nlohmann::json({TestKey(1).ToBase64()}));
  EXPECT_NE(answer.Json()["cursor"], cursor);
  EXPECT_EQ(Call("GET", "/internal/v1/changes?wait=26", "", kGateway).status, 400);
}

TEST_F(ServiceTest, StoppingEndsAllWaiting) {
  const std::string cursor = Call("GET", "/internal/v1/changes", "", kGateway).Json()["cursor"];
  auto waiting = std::async(std::launch::async, [&] {
    return Call("GET", "/internal/v1/changes?wait=25&cursor=" + cursor, "", kGateway);
  });
  service().Stop();
  EXPECT_EQ(waiting.get().status, 200);
}

TEST_F(ServiceTest, TooManyWhoWaitAreTurnedAway) {
  options_.max_pollers = 1;
  const std::string target =
      "/internal/v1/changes?wait=25&cursor=" +
      Call("GET", "/internal/v1/changes", "", kGateway).Json()["cursor"].get<std::string>();
  // Whichever of the two comes second is turned away; the other waits until the stop.
  const auto call = [&] {
    const Answer answer = Call("GET", target, "", kGateway);
    if (answer.status == 503) service().Stop();
    return answer.status;
  };
  auto one = std::async(std::launch::async, call);
  auto two = std::async(std::launch::async, call);
  EXPECT_EQ(one.get() + two.get(), 200 + 503);
}

}  // namespace
}  // namespace jitwg::api
