// status, peers and watch against daemons that say what the test put into them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "lib/base/tai64n.h"
#include "lib/base/version.h"
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

const PublicKey kKey = DerivePublicKey(GeneratePrivateKey());

std::vector<json> Lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

class DaemonCommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto& state = installer_.interfaces.emplace_back();
    state.set_interface("wg0");
    state.set_present(true);
    state.set_public_key(rpc::ToBytes(kKey));
    state.set_listen_port(51820);
    state.set_backend("kernel");
    state.set_max_peers(1000);
    state.set_own_peers(1);
    rpc::Fill(*IpPrefix::Parse("10.8.0.0/16"), state.add_allowed_prefixes());
    (*sniffer_.statistics.mutable_initiations())["authenticated"] = 12;
    (*sniffer_.statistics.mutable_initiations())["bad_mac1"] = 3;
    admin_.status.set_version(std::string(Version()));
    sniffer_.statistics.set_version(std::string(Version()));
    admin_.status.set_sniffer_connected(true);
    admin_.status.set_registry_kind("sqlite");
    admin_.status.set_registry_healthy(true);
    admin_.status.set_registry_lookups(7);
    (*admin_.status.mutable_decisions())["installed"] = 5;
    (*admin_.status.mutable_evictions())["idle"] = 2;
  }
  void StartSniffer() { sniffer_server_ = Serve("s", {&sniffer_, &installer_}); }
  void StartProvisioner() { admin_server_ = Serve("a", {&admin_}); }
  std::unique_ptr<rpc::Server> Serve(const std::string& name,
                                     const std::vector<grpc::Service*>& services) {
    rpc::ServerOptions options;
    options.socket_path = directory_.File(name);
    auto server = rpc::Server::Start(options, services);
    EXPECT_TRUE(server) << (server ? "" : server.error().message);
    return server ? std::move(*server) : nullptr;
  }
  Outcome Ctl(Arguments arguments) {
    arguments.insert(arguments.begin(), {"--sniffer", "unix:" + directory_.File("s"), "--admin",
                                         "unix:" + directory_.File("a")});
    return RunCtl(arguments);
  }
  void AddEvent(std::uint64_t id, std::uint64_t dropped = 0) {
    auto& response = sniffer_.events.emplace_back();
    response.set_dropped_before(dropped);
    auto& event = *response.mutable_event();
    event.set_initiation_id(id);
    event.set_interface("wg0");
    event.set_public_key(rpc::ToBytes(kKey));
    rpc::Fill(Endpoint{*IpAddress::Parse("192.0.2.7"), 4711, 0}, event.mutable_source());
    event.set_timestamp(rpc::ToBytes(Tai64n::FromUnix(1'780'000'000, 0)));
    event.mutable_captured_at()->set_seconds(1'780'000'000);
  }
  void AddDecision(const std::string& interface, const std::string& verdict) {
    auto& decision = *admin_.decisions.emplace_back().mutable_decision();
    decision.set_interface(interface);
    decision.set_public_key(rpc::ToBytes(kKey));
    decision.set_verdict(verdict);
    decision.set_peer_name("lap\x1btop");
    rpc::Fill(*IpPrefix::Parse("10.8.0.2/32"), decision.add_allowed_ips());
  }
  void AddEviction() {
    auto& eviction = *admin_.decisions.emplace_back().mutable_eviction();
    eviction.set_interface("wg0");
    eviction.set_public_key(rpc::ToBytes(kKey));
    eviction.set_reason("idle");
    eviction.mutable_evicted_at()->set_seconds(1'780'000'001);
  }

  rpc::TempDir directory_;
  FakeSniffer sniffer_;
  FakeInstaller installer_;
  FakeAdmin admin_;
  std::unique_ptr<rpc::Server> sniffer_server_;
  std::unique_ptr<rpc::Server> admin_server_;
};

TEST_F(DaemonCommandsTest, StatusShowsBothDaemons) {
  StartSniffer();
  StartProvisioner();
  const auto status = Ctl({"status"});
  EXPECT_EQ(status.code, 0) << status.err;
  EXPECT_THAT(status.err, IsEmpty());
  for (const std::string& text :
       {std::string("authenticated 12, bad_mac1 3"), std::string("wg0"), kKey.ToBase64(),
        std::string("51820"), std::string("1 of 1000"), std::string("10.8.0.0/16"),
        "provisioner: version " + std::string(Version()), std::string("connected"),
        std::string("sqlite, healthy"), std::string("7 look-ups"), std::string("installed 5"),
        std::string("idle 2")}) {
    EXPECT_THAT(status.out, HasSubstr(text));
  }
}

TEST_F(DaemonCommandsTest, StatusAsJsonHasTheProtocolsNames) {
  StartSniffer();
  StartProvisioner();
  const auto status = json::parse(Ctl({"--json", "status"}).out);
  EXPECT_EQ(status["sniffer"]["reachable"], true);
  EXPECT_EQ(status["sniffer"]["initiations"]["authenticated"], 12);
  EXPECT_EQ(status["sniffer"]["interfaces"][0]["public_key"], kKey.ToBase64());
  EXPECT_EQ(status["provisioner"]["sniffer_connected"], true);
  EXPECT_EQ(status["provisioner"]["registry_lookups"], 7);
  EXPECT_EQ(status["provisioner"]["decisions"]["installed"], 5);
  EXPECT_EQ(status["provisioner"]["evictions"]["idle"], 2);
}

TEST_F(DaemonCommandsTest, StatusShowsTheOneThatIsUpAndNamesTheOther) {
  StartProvisioner();
  const auto status = Ctl({"status"});
  EXPECT_EQ(status.code, 3);
  EXPECT_THAT(status.out, HasSubstr("provisioner: version " + std::string(Version())));
  EXPECT_THAT(status.err, HasSubstr("cannot reach the sniffer at unix:" + directory_.File("s")));
  EXPECT_THAT(status.err, Not(HasSubstr("provisioner")));
  const auto as_json = Ctl({"status", "--json"});
  EXPECT_EQ(as_json.code, 3);
  EXPECT_EQ(json::parse(as_json.out)["sniffer"]["reachable"], false);
  EXPECT_EQ(json::parse(as_json.out)["provisioner"]["reachable"], true);
}

TEST_F(DaemonCommandsTest, WhatStandsAtASocketsPathSaysWhatToDo) {
  EXPECT_THAT(Ctl({"status"}).err, HasSubstr("there is no such socket: is the sniffer running?"));
  std::ofstream(directory_.File("s")) << "a file";
  EXPECT_THAT(Ctl({"status"}).err, HasSubstr("that is no socket; --sniffer names another"));
}

TEST_F(DaemonCommandsTest, PartsOfOtherVersionsAreNamed) {
  sniffer_.statistics.clear_version();
  admin_.status.set_version("9.9.9");
  StartSniffer();
  StartProvisioner();
  const auto status = Ctl({"status"});
  EXPECT_EQ(status.code, 0);
  EXPECT_THAT(status.err, HasSubstr("the sniffer is of an older version"));
  EXPECT_THAT(status.err, HasSubstr("the provisioner is of version 9.9.9"));
}

TEST_F(DaemonCommandsTest, StatusNamesProblems) {
  installer_.interfaces[0].set_problem("no private key");
  admin_.status.set_registry_healthy(false);
  admin_.status.set_registry_problem("disk gone");
  admin_.status.set_sniffer_connected(false);
  StartSniffer();
  StartProvisioner();
  const auto status = Ctl({"status"});
  EXPECT_THAT(status.out, HasSubstr("wg0: no private key"));
  EXPECT_THAT(status.out, HasSubstr("failing: disk gone"));
  EXPECT_THAT(status.out, HasSubstr("not connected"));
}

TEST_F(DaemonCommandsTest, PeersAreATable) {
  auto& own = installer_.peers.emplace_back();
  own.set_public_key(rpc::ToBytes(kKey));
  own.set_own(true);
  own.set_rx_bytes(1536);
  rpc::Fill(*IpPrefix::Parse("10.8.0.2/32"), own.add_allowed_ips());
  rpc::Fill(Endpoint{*IpAddress::Parse("2001:db8::7"), 4711, 0}, own.mutable_endpoint());
  auto& foreign = installer_.peers.emplace_back();
  foreign.set_public_key(std::string(32, '\x07'));
  foreign.mutable_last_handshake()->set_seconds(1);
  StartSniffer();
  const auto peers = Ctl({"peers", "--interface", "wg0"});
  EXPECT_EQ(peers.code, 0) << peers.err;
  for (const std::string& text : {kKey.ToBase64(), std::string("own"), std::string("foreign"),
                                  std::string("[2001:db8::7]:4711"), std::string("never"),
                                  std::string("1.5 KiB"), std::string("10.8.0.2/32")}) {
    EXPECT_THAT(peers.out, HasSubstr(text));
  }
  const auto lines = Lines(Ctl({"--json", "peers", "--own"}).out);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["public_key"], kKey.ToBase64());
  EXPECT_EQ(lines[0]["interface"], "wg0");
  EXPECT_EQ(lines[0]["last_handshake"], nullptr);
}

TEST_F(DaemonCommandsTest, PeersSaysWhenTheListMayBeIncomplete) {
  installer_.peers.emplace_back().set_public_key(rpc::ToBytes(kKey));
  installer_.interrupted = true;
  StartSniffer();
  const auto peers = Ctl({"peers"});
  EXPECT_EQ(peers.code, 0);
  EXPECT_THAT(peers.err, HasSubstr("changed while they were read"));
}

TEST_F(DaemonCommandsTest, PeersOfAnUnknownInterfaceFail) {
  StartSniffer();
  const auto peers = Ctl({"peers", "--interface", "wg9"});
  EXPECT_EQ(peers.code, 1);
  EXPECT_THAT(peers.err, HasSubstr("wg9 is not served"));
}

TEST_F(DaemonCommandsTest, PeersWithoutASnifferIsUnreachable) { EXPECT_EQ(Ctl({"peers"}).code, 3); }

TEST_F(DaemonCommandsTest, WatchShowsBothStreamsUntilTheCount) {
  AddEvent(1);
  AddDecision("wg0", "installed");
  AddEviction();
  StartSniffer();
  StartProvisioner();
  const auto watch = Ctl({"watch", "--count", "3"});
  EXPECT_EQ(watch.code, 0) << watch.err;
  EXPECT_THAT(watch.out, HasSubstr("event     wg0  " + kKey.ToBase64() + "  from 192.0.2.7:4711"));
  EXPECT_THAT(watch.out, HasSubstr("installed"));
  EXPECT_THAT(watch.out, HasSubstr("(lap?top)"));
  EXPECT_THAT(watch.out, HasSubstr("eviction  wg0  " + kKey.ToBase64() + "  idle"));
}

TEST_F(DaemonCommandsTest, WatchAsJsonIsOneObjectPerLineWithHeartbeats) {
  sniffer_.events.emplace_back().mutable_heartbeat()->set_sniffer_instance(42);
  AddEvent(7, 3);
  StartSniffer();
  const auto watch = Ctl({"watch", "--json", "--events", "--count", "1"});
  EXPECT_EQ(watch.code, 0) << watch.err;
  const auto lines = Lines(watch.out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["type"], "heartbeat");
  EXPECT_EQ(lines[0]["stream"], "events");
  EXPECT_EQ(lines[0]["sniffer_instance"], "42");
  EXPECT_EQ(lines[1]["type"], "event");
  EXPECT_EQ(lines[1]["initiation_id"], 7);
  EXPECT_EQ(lines[1]["dropped_before"], 3);
  EXPECT_EQ(lines[1]["timestamp"], "2026-05-28T20:26:40.000000000Z");
  EXPECT_EQ(lines[1]["captured_at"], "2026-05-28T20:26:40Z");
  EXPECT_THAT(watch.err, HasSubstr("3 events were lost here"));
}

TEST_F(DaemonCommandsTest, WatchFiltersByInterface) {
  AddDecision("wg1", "unknown_key");
  AddDecision("wg0", "installed");
  StartProvisioner();
  const auto watch = Ctl({"--json", "watch", "--decisions", "--interface", "wg0", "--count", "1"});
  EXPECT_EQ(watch.code, 0) << watch.err;
  const auto lines = Lines(watch.out);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["verdict"], "installed");
}

TEST_F(DaemonCommandsTest, WatchEndsAtItsTimeout) {
  AddEvent(1);
  StartSniffer();
  StartProvisioner();
  const auto calm = Ctl({"watch", "--timeout", "300ms"});
  EXPECT_EQ(calm.code, 0) << calm.err;
  const auto wanted = Ctl({"watch", "--timeout", "300ms", "--count", "5"});
  EXPECT_EQ(wanted.code, 1);
  EXPECT_THAT(wanted.err, HasSubstr("of 5 in 300ms"));
}

TEST_F(DaemonCommandsTest, WatchEndsWhenADaemonIsAwayOrGoes) {
  StartSniffer();
  const auto away = Ctl({"watch"});
  EXPECT_EQ(away.code, 3);
  EXPECT_THAT(away.err, HasSubstr("cannot reach the provisioner"));
  sniffer_.stay = false;
  const auto gone = Ctl({"watch", "--events"});
  EXPECT_EQ(gone.code, 3);
  EXPECT_THAT(gone.err, HasSubstr("ended its stream"));
}

TEST_F(DaemonCommandsTest, OutboundDemandsAndDecisionsAreShown) {
  auto& demand = *sniffer_.events.emplace_back().mutable_demand();
  demand.set_demand_id(4);
  demand.set_interface("wg0");
  demand.set_destination(std::string("\x0a\x08\x01\x02"));
  auto& decision = *admin_.decisions.emplace_back().mutable_decision();
  decision.set_interface("wg0");
  decision.set_verdict("unknown_address");
  decision.set_destination(demand.destination());
  StartSniffer();
  StartProvisioner();
  const auto events = Ctl({"watch", "--events", "--count", "1"});
  EXPECT_THAT(events.out, HasSubstr("demand    wg0  for 10.8.1.2"));
  const auto text = Ctl({"watch", "--decisions", "--count", "1"});
  EXPECT_THAT(text.out, HasSubstr("wg0  -  for 10.8.1.2  unknown_address"));
  const auto lines = Lines(Ctl({"--json", "watch", "--decisions", "--count", "1"}).out);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["destination"], "10.8.1.2");
  EXPECT_EQ(lines[0]["public_key"], nullptr);
  EXPECT_EQ(lines[0]["source"], nullptr);
}

TEST_F(DaemonCommandsTest, StatusTellsOfOutboundPacketsOnlyWhereTheyAreWatched) {
  StartSniffer();
  StartProvisioner();
  EXPECT_THAT(Ctl({"status"}).out, Not(HasSubstr("outbound")));
  (*sniffer_.statistics.mutable_outbound()->mutable_packets())["asked"] = 3;
  (*admin_.status.mutable_outbound())["received"] = 2;
  const auto text = Ctl({"status"}).out;
  EXPECT_THAT(text, HasSubstr("outbound packets: asked 3;"));
  EXPECT_THAT(text, HasSubstr("outbound: received 2"));
}

}  // namespace
}  // namespace jitwg::ctl
