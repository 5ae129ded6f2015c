// The contract's part about gateways' reports, as far as it shows from here; the control plane's
// contract reads them back.
#include <chrono>

#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""s;
using testing::HasSubstr;

Sighting SeenAt(const PublicKey& key, WallTime when) {
  Sighting sighting;
  sighting.public_key = key;
  sighting.interface = "wg0";
  sighting.endpoint = {*IpAddress::Parse("192.0.2.7"), 51820, 0};
  sighting.seen_at = when;
  return sighting;
}

TEST_P(RegistryContract, AReportIsTakenAlsoTwiceAndWithPeersThatAreNotThere) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  GatewayReport report;
  report.gateway = {"gw-east", "0.1.0", 2, {}};
  EXPECT_TRUE(registry().Report(report));
  report.sightings = {SeenAt(TestKey(1), clock_.WallNow()), SeenAt(TestKey(9), clock_.WallNow())};
  EXPECT_TRUE(registry().Report(report));
  EXPECT_TRUE(registry().Report(report));
  EXPECT_TRUE(registry().Remove(TestKey(1)));
  EXPECT_TRUE(registry().Report(report));
}

TEST_P(RegistryContract, AFullReportIsTakenAndALargerOneRefused) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  GatewayReport report;
  report.gateway.name = "gw-east";
  report.sightings.assign(kMaxSightings, SeenAt(TestKey(1), clock_.WallNow()));
  EXPECT_TRUE(registry().Report(report));
  report.sightings.push_back(report.sightings.front());
  const auto refused = registry().Report(report);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("1001"));
}

TEST_P(RegistryContract, AReportWithoutSenseIsRefused) {
  const Sighting good = SeenAt(TestKey(1), clock_.WallNow());
  std::vector<GatewayReport> reports(6);
  for (GatewayReport& report : reports) report.gateway.name = "gw-east";
  reports[0].gateway.name = "";
  reports[1].gateway.name = std::string(kMaxNameLength + 1, 'g');
  reports[2].gateway.version = "1\n2";
  for (std::size_t i = 3; i < 6; ++i) reports[i].sightings = {good};
  reports[3].sightings[0].interface = "";
  reports[4].sightings[0].rx_bytes = std::uint64_t{1} << 63U;
  reports[5].sightings[0].public_key = {};
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const auto refused = registry().Report(reports[i]);
    ASSERT_FALSE(refused) << i;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument) << i;
  }
}

TEST_P(RegistryContract, AReportChangesNoPeerAndTellsNobody) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  const WallTime before = clock_.WallNow();
  ChangeLog log;
  registry().Subscribe(log.Callback());
  clock_.Advance(1s);
  GatewayReport report;
  report.gateway.name = "gw-east";
  report.sightings = {SeenAt(TestKey(1), clock_.WallNow())};
  ASSERT_TRUE(registry().Report(report));
  // A notice of the report would come before that of this.
  ASSERT_TRUE(registry().Put(TestPeer(2, {"10.0.0.2/32"}), false));
  ASSERT_TRUE(log.AwaitKey(TestKey(2)));
  for (const Change& change : log.changes()) EXPECT_NE(change.public_key, TestKey(1));
  registry().Subscribe({});
  const auto found = FindNow(registry(), TestKey(1));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->updated_at, before);
}

}  // namespace
}  // namespace jitwg::registry
