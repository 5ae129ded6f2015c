#include "provisioner/sighting_reporter.h"

#include <gtest/gtest.h>

#include "tests/provisioner/test_values.h"
#include "tests/support/fake_registry.h"
#include "tests/support/manual_clock.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::seconds;

class SightingReporterTest : public ::testing::Test {
 protected:
  SightingReporterTest() {
    for (std::uint16_t i = 0; i < 50; ++i) EXPECT_TRUE(inner_.Put(MakePeer(i), false));
  }
  static SightingOptions Options() {
    SightingOptions options;
    options.gateway = "gw1";
    options.version = "1.2.3";
    options.max_batch = 10;
    options.max_batches = 2;
    return options;
  }
  static PeerState Seen(std::uint16_t number, std::uint64_t rx_bytes) {
    PeerState state = OwnPeer(MakePeer(number));
    state.endpoint = Endpoint{*IpAddress::Parse("192.0.2.1"), number, 0};
    state.rx_bytes = rx_bytes;
    return state;
  }
  static PeerList ListOf(std::uint16_t count, std::uint64_t rx_bytes) {
    PeerList list;
    for (std::uint16_t i = 0; i < count; ++i) list.peers.push_back(Seen(i, rx_bytes));
    return list;
  }
  std::size_t Waiting() {
    std::size_t calls = 0;
    // Each call takes at most 20.
    while (calls < 10) {
      const std::size_t before = inner_.sightings().size();
      EXPECT_TRUE(reporter_.ReportOnce());
      if (inner_.sightings().size() == before) break;
      ++calls;
    }
    return calls;
  }

  ManualClock clock_;
  registry::FakeRegistry inner_{clock_};
  registry::FaultyRegistry registry_{inner_};
  SightingReporter reporter_{clock_, registry_, Options()};
};

TEST_F(SightingReporterTest, ReportsWhatWasSeenAndThatTheGatewayIsAlive) {
  PeerState state = Seen(1, 100);
  state.tx_bytes = 50;
  state.last_handshake = clock_.WallNow() - seconds(5);
  reporter_.NoteList("wg0", {.peers = {state}, .interrupted = false});
  ASSERT_TRUE(reporter_.ReportOnce());
  ASSERT_EQ(inner_.gateways().size(), 1U);
  EXPECT_EQ(inner_.gateways()[0].name, "gw1");
  EXPECT_EQ(inner_.gateways()[0].version, "1.2.3");
  EXPECT_EQ(inner_.gateways()[0].peers, 1U);
  ASSERT_EQ(inner_.sightings().size(), 1U);
  const registry::Sighting seen = inner_.sightings()[0];
  EXPECT_EQ(seen.public_key, Key(1));
  EXPECT_EQ(seen.interface, "wg0");
  EXPECT_EQ(seen.endpoint, *state.endpoint);
  EXPECT_EQ(seen.last_handshake, state.last_handshake);
  EXPECT_EQ(seen.rx_bytes, 100U);
  EXPECT_EQ(seen.tx_bytes, 50U);
}

TEST_F(SightingReporterTest, OnlyWhatChangedIsReportedAgain) {
  reporter_.NoteList("wg0", ListOf(3, 100));
  ASSERT_TRUE(reporter_.ReportOnce());
  const WallTime first = clock_.WallNow();
  clock_.Advance(seconds(10));
  PeerList list = ListOf(3, 100);
  list.peers[1].rx_bytes = 200;
  reporter_.NoteList("wg0", list);
  ASSERT_TRUE(reporter_.ReportOnce());
  for (const registry::Sighting& seen : inner_.sightings()) {
    EXPECT_EQ(seen.seen_at > first, seen.public_key == Key(1));
  }
}

TEST_F(SightingReporterTest, BatchesAndRoundsAreBoundedAndNobodyIsLeftOut) {
  reporter_.NoteList("wg0", ListOf(45, 100));
  ASSERT_TRUE(reporter_.ReportOnce());
  EXPECT_EQ(inner_.sightings().size(), 20U);
  EXPECT_EQ(Waiting(), 2U);
  EXPECT_EQ(inner_.sightings().size(), 45U);
}

TEST_F(SightingReporterTest, WhatCouldNotBeReportedIsReportedLater) {
  reporter_.NoteList("wg0", ListOf(15, 100));
  registry_.FailWith(Error{ErrorCode::kUnavailable, "away"});
  EXPECT_FALSE(reporter_.ReportOnce());
  EXPECT_FALSE(reporter_.ReportOnce());
  registry_.FailWith(std::nullopt);
  ASSERT_TRUE(reporter_.ReportOnce());
  EXPECT_EQ(inner_.sightings().size(), 15U);
}

TEST_F(SightingReporterTest, AnInitiationOfAnInstalledPeerTellsWhereItIs) {
  reporter_.NoteList("wg0", ListOf(1, 100));
  ASSERT_TRUE(reporter_.ReportOnce());
  HandshakeEvent event = MakeEvent(0, 0, 1);
  event.source = Endpoint{*IpAddress::Parse("198.51.100.9"), 7, 0};
  clock_.Advance(seconds(1));
  reporter_.NoteEvent(event);
  reporter_.NoteEvent(MakeEvent(7, 0, 1));  // not installed
  ASSERT_TRUE(reporter_.ReportOnce());
  ASSERT_EQ(inner_.sightings().size(), 1U);
  EXPECT_EQ(inner_.sightings()[0].endpoint, event.source);
}

TEST_F(SightingReporterTest, WhoIsGoneIsForgotten) {
  reporter_.NoteList("wg0", ListOf(3, 100));
  reporter_.NoteList("wg0", {.peers = {Seen(1, 100)}, .interrupted = true});
  reporter_.NoteList("wg1", {.peers = {Seen(2, 100)}, .interrupted = false});
  ASSERT_TRUE(reporter_.ReportOnce());
  EXPECT_EQ(inner_.gateways()[0].peers, 4U);
  reporter_.NoteList("wg0", {.peers = {Seen(1, 100)}, .interrupted = false});
  ASSERT_TRUE(reporter_.ReportOnce());
  EXPECT_EQ(inner_.gateways()[0].peers, 2U);
}

TEST_F(SightingReporterTest, SwitchedOffItKeepsNothing) {
  SightingOptions options = Options();
  options.interval = seconds(0);
  SightingReporter off(clock_, registry_, options);
  EXPECT_FALSE(off.enabled());
  off.NoteList("wg0", ListOf(3, 100));
  off.Run({});
  EXPECT_TRUE(inner_.gateways().empty());
}

}  // namespace
}  // namespace jitwg::provisioner
