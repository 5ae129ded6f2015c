// The control plane's contract: what gateways reported comes back.
#include "tests/registry/control_plane_contract.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""s;
using testing::IsEmpty;

Sighting Seen(unsigned number, WallTime when, std::uint64_t rx_bytes) {
  Sighting sighting;
  sighting.public_key = TestKey(number);
  sighting.interface = "wg0";
  sighting.endpoint = {*IpAddress::Parse("2001:db8::7"), 51820, 3};
  sighting.last_handshake = when - std::chrono::microseconds(1500);
  sighting.rx_bytes = rx_bytes;
  sighting.tx_bytes = (std::uint64_t{1} << 63U) - 1;
  sighting.seen_at = when;
  return sighting;
}

GatewayReport ReportOf(const std::string& gateway, const std::vector<Sighting>& sightings) {
  GatewayReport report;
  report.gateway = {gateway, "0.1.0", 5, {}};
  report.sightings = sightings;
  return report;
}

TEST_P(ControlPlaneContract, GatewaysThatReportedAreListedByName) {
  ASSERT_TRUE(registry().Report(ReportOf("gw-west", {})));
  ASSERT_TRUE(registry().Report(ReportOf("gw-east", {})));
  clock_.Advance(7s);
  GatewayReport second = ReportOf("gw-west", {});
  second.gateway.version = "0.2.0";
  second.gateway.peers = 6;
  ASSERT_TRUE(registry().Report(second));
  const auto gateways = control().ListGateways();
  ASSERT_TRUE(gateways);
  ASSERT_EQ(gateways->size(), 2U);
  EXPECT_EQ((*gateways)[0].name, "gw-east");
  EXPECT_EQ((*gateways)[0].reported_at, clock_.WallNow() - 7s);
  EXPECT_EQ((*gateways)[1].version, "0.2.0");
  EXPECT_EQ((*gateways)[1].peers, 6U);
  EXPECT_EQ((*gateways)[1].reported_at, clock_.WallNow());
}

TEST_P(ControlPlaneContract, SightingsComeBackWholeByKeyAndGateway) {
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
  ASSERT_TRUE(control().Create(TestPeer(2, {"10.8.0.2/32"})));
  const WallTime now = clock_.WallNow();
  Sighting never = Seen(1, now, 0);
  never.endpoint = {*IpAddress::Parse("192.0.2.7"), 0, 0};
  never.last_handshake.reset();
  ASSERT_TRUE(registry().Report(ReportOf("gw-west", {Seen(1, now, 7), Seen(9, now, 1)})));
  ASSERT_TRUE(registry().Report(ReportOf("gw-east", {never})));
  const auto seen = control().SightingsOf({TestKey(2), TestKey(1), TestKey(9)});
  ASSERT_TRUE(seen);
  ASSERT_EQ(seen->size(), 2U);
  EXPECT_EQ((*seen)[0].gateway, "gw-east");
  EXPECT_EQ((*seen)[0].endpoint, never.endpoint);
  EXPECT_FALSE((*seen)[0].last_handshake);
  const Sighting& full = (*seen)[1];
  EXPECT_EQ(full.public_key, TestKey(1));
  EXPECT_EQ(full.gateway, "gw-west");
  EXPECT_EQ(full.interface, "wg0");
  EXPECT_EQ(full.endpoint.ToString(), "[2001:db8::7%3]:51820");
  EXPECT_EQ(full.last_handshake, now - std::chrono::microseconds(1500));
  EXPECT_EQ(full.rx_bytes, 7U);
  EXPECT_EQ(full.tx_bytes, (std::uint64_t{1} << 63U) - 1);
  EXPECT_EQ(full.seen_at, now);
}

TEST_P(ControlPlaneContract, TheNewestSightingStaysWhateverTheOrder) {
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
  const WallTime now = clock_.WallNow();
  const auto rx_bytes = [&] { return control().SightingsOf({TestKey(1)})->front().rx_bytes; };
  ASSERT_TRUE(registry().Report(ReportOf("gw", {Seen(1, now - 2s, 2), Seen(1, now - 3s, 1)})));
  EXPECT_EQ(rx_bytes(), 2U);
  ASSERT_TRUE(registry().Report(ReportOf("gw", {Seen(1, now - 9s, 3)})));
  EXPECT_EQ(rx_bytes(), 2U);
  ASSERT_TRUE(registry().Report(ReportOf("gw", {Seen(1, now - 1s, 4)})));
  EXPECT_EQ(rx_bytes(), 4U);
}

TEST_P(ControlPlaneContract, ASightingOfTheFutureDoesNotOutliveTheTruth) {
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
  ASSERT_TRUE(registry().Report(ReportOf("gw", {Seen(1, clock_.WallNow() + 3600s, 1)})));
  EXPECT_EQ(control().SightingsOf({TestKey(1)})->front().seen_at, clock_.WallNow());
  clock_.Advance(1s);
  ASSERT_TRUE(registry().Report(ReportOf("gw", {Seen(1, clock_.WallNow(), 2)})));
  EXPECT_EQ(control().SightingsOf({TestKey(1)})->front().rx_bytes, 2U);
}

TEST_P(ControlPlaneContract, ARefusedReportLeavesNothing) {
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
  Sighting bad = Seen(1, clock_.WallNow(), 1);
  bad.interface = std::string(16, 'w');
  ASSERT_FALSE(registry().Report(ReportOf("gw", {Seen(1, clock_.WallNow(), 1), bad})));
  EXPECT_THAT(*control().ListGateways(), IsEmpty());
  EXPECT_THAT(*control().SightingsOf({TestKey(1)}), IsEmpty());
}

TEST_P(ControlPlaneContract, SightingsStayWhenThePeerChangesAndGoWithIt) {
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.1/32"})));
  ASSERT_TRUE(registry().Report(ReportOf("gw", {Seen(1, clock_.WallNow(), 1)})));
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.8.0.2/32"}), true));
  EXPECT_EQ(control().SightingsOf({TestKey(1)})->size(), 1U);
  ASSERT_TRUE(control().Delete(TestKey(1)));
  ASSERT_TRUE(control().Create(TestPeer(1, {"10.8.0.2/32"})));
  EXPECT_THAT(*control().SightingsOf({TestKey(1)}), IsEmpty());
}

}  // namespace
}  // namespace jitwg::registry
