// explain, evict, forget-timestamp and decisions against a provisioner that says what the test put
// into it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/base/tai64n.h"
#include "lib/rpc/convert.h"
#include "tests/ctl/fake_daemons.h"
#include "tests/ctl/run_ctl.h"
#include "tests/rpc/temp_dir.h"

namespace jitwg::ctl {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const PublicKey kPeerKey = DerivePublicKey(GeneratePrivateKey());

class OperatorCommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    rpc::ServerOptions options;
    options.socket_path = directory_.File("a");
    auto server = rpc::Server::Start(options, {&admin_});
    ASSERT_TRUE(server) << (server ? "" : server.error().message);
    server_ = std::move(*server);
  }
  void TearDown() override {
    admin_.stay = false;
    server_.reset();
  }
  Outcome Ctl(Arguments arguments) {
    arguments.insert(arguments.begin(), {"--admin", "unix:" + directory_.File("a")});
    return RunCtl(arguments);
  }
  void AddView(const std::string& interface, const std::string& verdict) {
    auto& view = *admin_.explanation.add_interfaces();
    view.set_interface(interface);
    view.set_verdict(verdict);
  }
  void AddHeartbeat() { admin_.decisions.emplace_back().mutable_heartbeat(); }
  void AddDecision(const PublicKey& key, const std::string& verdict) {
    auto& decision = *admin_.decisions.emplace_back().mutable_decision();
    decision.set_interface("wg0");
    decision.set_public_key(rpc::ToBytes(key));
    decision.set_verdict(verdict);
  }
  void AddEvicted(v1::PeerOutcome outcome) {
    auto& result = *admin_.evicted.add_results();
    result.set_interface("wg0");
    result.set_public_key(rpc::ToBytes(kPeerKey));
    result.set_outcome(outcome);
  }

  rpc::TempDir directory_;
  FakeAdmin admin_;
  std::unique_ptr<rpc::Server> server_;
};

TEST_F(OperatorCommandsTest, ExplainTellsAllOnOneScreen) {
  auto& record = *admin_.explanation.mutable_record();
  record.set_name("lap\x1btop");
  record.set_network("blue");
  record.set_enabled(true);
  rpc::Fill(*IpPrefix::Parse("10.8.0.2/32"), record.add_allowed_ips());
  admin_.explanation.mutable_cached_age()->set_seconds(90);
  AddView("wg0", "allowed");
  auto& installed = *admin_.explanation.mutable_interfaces(0)->mutable_installed();
  rpc::Fill(Endpoint{*IpAddress::Parse("192.0.2.7"), 4711, 0}, installed.mutable_endpoint());
  installed.set_rx_bytes(2048);
  AddView("wg1", "other_network");
  admin_.explanation.set_newest_timestamp(rpc::ToBytes(Tai64n::FromUnix(1'780'000'000, 0)));
  auto& decision = *admin_.explanation.add_decisions();
  decision.set_verdict("replay");
  rpc::Fill(Endpoint{*IpAddress::Parse("192.0.2.9"), 99, 0}, decision.mutable_source());
  const auto explained = Ctl({"explain", kPeerKey.ToBase64()});
  EXPECT_EQ(explained.code, 0) << explained.err;
  for (const char* text :
       {"lap?top", "network blue", "10.8.0.2/32", "from the gateway's cache, 1m30s old",
        "would be let in", "no handshake yet, at 192.0.2.7:4711, received 2.0 KiB",
        "would be refused: other_network", "is not in", "2026-05-28T20:26:40", "from 192.0.2.9:99",
        "replay"}) {
    EXPECT_THAT(explained.out, HasSubstr(text));
  }
  const auto as_json = json::parse(Ctl({"--json", "explain", kPeerKey.ToBase64()}).out);
  EXPECT_EQ(as_json["public_key"], kPeerKey.ToBase64());
  EXPECT_EQ(as_json["record"]["network"], "blue");
  EXPECT_EQ(as_json["cached_age_seconds"], 90);
  EXPECT_EQ(as_json["interfaces"][0]["installed"]["rx_bytes"], 2048);
  EXPECT_EQ(as_json["interfaces"][1]["installed"], nullptr);
  EXPECT_EQ(as_json["decisions"][0]["verdict"], "replay");
}

TEST_F(OperatorCommandsTest, ExplainFailsForAKeyThatNobodyWouldLetIn) {
  AddView("wg0", "unknown_key");
  const auto explained = Ctl({"explain", kPeerKey.ToBase64()});
  EXPECT_EQ(explained.code, 1);
  EXPECT_THAT(explained.out, HasSubstr("has no such peer"));
  EXPECT_THAT(explained.out, HasSubstr("none lately"));
  admin_.explanation.set_registry_problem("away");
  EXPECT_THAT(Ctl({"explain", kPeerKey.ToBase64()}).out, HasSubstr("cannot be asked: away"));
}

TEST_F(OperatorCommandsTest, EvictPassesItsWishOnAndTellsOfEach) {
  AddEvicted(v1::PEER_OUTCOME_REMOVED);
  const auto evicted = Ctl({"evict", kPeerKey.ToBase64(), "--interface", "wg0"});
  EXPECT_EQ(evicted.code, 0) << evicted.err;
  EXPECT_EQ(admin_.evict_request.public_key(), rpc::ToBytes(kPeerKey));
  EXPECT_EQ(admin_.evict_request.interface(), "wg0");
  EXPECT_THAT(evicted.out, HasSubstr(kPeerKey.ToBase64() + "  removed"));
  EXPECT_EQ(Ctl({"evict", "--idle", "10m"}).code, 0);
  EXPECT_EQ(admin_.evict_request.idle_for().seconds(), 600);
  EXPECT_EQ(Ctl({"evict", "--all", "--yes"}).code, 0);
  EXPECT_TRUE(admin_.evict_request.all());
  EXPECT_EQ(json::parse(Ctl({"--json", "evict", kPeerKey.ToBase64()}).out)["outcome"], "removed");
}

TEST_F(OperatorCommandsTest, EvictSaysWhatDidNotGo) {
  EXPECT_EQ(Ctl({"evict", kPeerKey.ToBase64()}).code, 1);  // not installed
  EXPECT_EQ(Ctl({"evict", "--idle", "10m"}).code, 0);      // nobody is idle
  AddEvicted(v1::PEER_OUTCOME_FAILED);
  EXPECT_EQ(Ctl({"evict", kPeerKey.ToBase64()}).code, 1);
  admin_.evicted.set_problem("the sniffer went away");
  EXPECT_THAT(Ctl({"evict", kPeerKey.ToBase64()}).err, HasSubstr("the sniffer went away"));
}

TEST_F(OperatorCommandsTest, EvictTellsOfEachPeerOfAFullGateway) {
  // As large as the answer of a gateway with 120,000 peers, and quicker to take apart.
  constexpr int kPeers = 6'000;
  for (int i = 0; i < kPeers; ++i) AddEvicted(v1::PEER_OUTCOME_REMOVED);
  for (auto& result : *admin_.evicted.mutable_results()) result.set_message(std::string(900, 'x'));
  const auto evicted = Ctl({"evict", "--all", "--yes"});
  EXPECT_EQ(evicted.code, 0) << evicted.err;
  EXPECT_EQ(std::count(evicted.out.begin(), evicted.out.end(), '\n'), kPeers);
  EXPECT_EQ(evicted.err, "");
}

TEST_F(OperatorCommandsTest, EvictWantsOneClearWish) {
  EXPECT_EQ(Ctl({"evict"}).code, 2);
  EXPECT_EQ(Ctl({"evict", kPeerKey.ToBase64(), "--all", "--yes"}).code, 2);
  EXPECT_EQ(Ctl({"evict", "no-key"}).code, 2);
  const auto unsure = Ctl({"evict", "--all"});
  EXPECT_EQ(unsure.code, 2);
  EXPECT_THAT(unsure.err, HasSubstr("--yes"));
}

TEST_F(OperatorCommandsTest, ForgetTimestampSaysWhatItWasAndWhatItCosts) {
  EXPECT_EQ(Ctl({"forget-timestamp", kPeerKey.ToBase64()}).code, 1);
  admin_.forgotten = rpc::ToBytes(Tai64n::FromUnix(1'780'000'000, 0));
  const auto forgotten = Ctl({"forget-timestamp", kPeerKey.ToBase64()});
  EXPECT_EQ(forgotten.code, 0);
  EXPECT_THAT(forgotten.out, HasSubstr("2026-05-28T20:26:40"));
  EXPECT_THAT(forgotten.err, HasSubstr("replayed once"));
}

TEST_F(OperatorCommandsTest, DecisionsEndWhereThePastEnds) {
  AddHeartbeat();
  AddDecision(kPeerKey, "installed");
  AddDecision(DerivePublicKey(GeneratePrivateKey()), "unknown_key");
  AddHeartbeat();
  AddDecision(kPeerKey, "replay");
  const auto all = Ctl({"decisions", "--last", "7"});
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_EQ(admin_.recent, 7U);
  EXPECT_THAT(all.out, HasSubstr("installed"));
  EXPECT_THAT(all.out, HasSubstr("unknown_key"));
  EXPECT_THAT(all.out, Not(HasSubstr("replay")));
  const auto one = Ctl({"decisions", "--key", kPeerKey.ToBase64()});
  EXPECT_THAT(one.out, Not(HasSubstr("unknown_key")));
}

TEST_F(OperatorCommandsTest, DecisionsFollowUntilTheProvisionerEnds) {
  AddHeartbeat();
  AddHeartbeat();
  AddDecision(kPeerKey, "replay");
  admin_.stay = false;
  const auto followed = Ctl({"decisions", "--follow"});
  EXPECT_EQ(followed.code, 3);
  EXPECT_THAT(followed.out, HasSubstr("replay"));
  EXPECT_THAT(followed.err, Not(IsEmpty()));
}

}  // namespace
}  // namespace jitwg::ctl
