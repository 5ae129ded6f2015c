#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "provisioner/peer_census.h"
#include "provisioner/status_chart.h"
#include "provisioner/status_page.h"
#include "provisioner/status_view.h"
#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const SteadyTime kListedAt{seconds(10'000)};
const WallTime kToday{seconds(1'700'000'000)};

EvictionCandidate Candidate(bool completed, seconds quiet, bool pinned = false) {
  return {.public_key = {},
          .own = true,
          .known = true,
          .pinned = pinned,
          .completed = completed,
          .installed_at = kListedAt - quiet,
          .last_activity = kListedAt - quiet};
}

TEST(CountPeers, PutsEachPeerInOneState) {
  PeerList list;
  list.peers.resize(3);
  list.peers[0].own = true;
  Observation seen;
  seen.candidates = {Candidate(true, seconds(180)), Candidate(true, seconds(181)),
                     Candidate(false, seconds(5)), Candidate(false, seconds(500)),
                     Candidate(true, seconds(900), /*pinned=*/true)};
  EXPECT_EQ(CountPeers(list, seen, kListedAt),
            (PeerCounts{.live = 1, .unfinished = 1, .stale = 2, .pinned = 1, .foreign = 2}));
}

TEST(PeerCensus, AddsUpInterfacesAndKeepsABoundedHistory) {
  PeerCensus census;
  for (int i = 0; i < 5000; ++i) {
    census.Note(i % 2 == 0 ? "wg0" : "wg1", {.live = 2, .stale = 1}, kToday + seconds(i));
  }
  EXPECT_EQ(census.Now().size(), 2U);
  const auto history = census.History();
  ASSERT_EQ(history.size(), PeerCensus::kMaxSamples);
  EXPECT_EQ(history.back().counts.live, 4U);
  EXPECT_EQ(history.back().at, kToday + seconds(4999));
  for (std::size_t i = 1; i + 1 < history.size(); ++i) {
    EXPECT_GE(history[i].at - history[i - 1].at, PeerCensus::kBetweenSamples);
  }
}

TEST(PeerCensus, SurvivesAClockThatGoesBack) {
  PeerCensus census;
  for (const int at : {100, 110, 120, 60, 61, 130, 140}) {
    census.Note("wg0", {.live = static_cast<std::size_t>(at)}, kToday + seconds(at));
  }
  const auto history = census.History();
  EXPECT_EQ(history.back().counts.live, 140U);
  EXPECT_TRUE(std::is_sorted(history.begin(), history.end(),
                             [](const auto& a, const auto& b) { return a.at < b.at; }));
  EXPECT_EQ(census.Now().at("wg0").counts.live, 140U);
}

TEST(MeasureLatencies, TakesPercentilesOfThoseThatWaited) {
  std::vector<Decision> decisions(102);
  for (int i = 0; i < 100; ++i) {
    Decision& decision = decisions[static_cast<std::size_t>(i)];
    decision.verdict = Verdict::kInstalled;
    decision.event.captured_at = kToday;
    decision.decided_at = kToday + microseconds(1000 * (i + 1));
    decision.lookup_time = microseconds(i + 1);
    decision.install_time = microseconds(10);
  }
  decisions[100].verdict = Verdict::kAlreadyInstalled;  // asked nobody
  decisions[101].verdict = Verdict::kReplay;
  const auto latencies = MeasureLatencies(decisions);
  ASSERT_EQ(latencies.size(), 3U);
  EXPECT_EQ(latencies[0].count, 100U);
  EXPECT_EQ(latencies[0].p50, microseconds(51));
  EXPECT_EQ(latencies[0].p99, microseconds(100));
  EXPECT_EQ(latencies[1].p90, microseconds(10));
  EXPECT_EQ(latencies[2].p50, microseconds(51'000));
}

TEST(MeasureLatencies, OfNothingIsNothing) {
  for (const Latency& latency : MeasureLatencies({})) EXPECT_EQ(latency.count, 0U);
}

TEST(DrawChart, StaysInItsFrame) {
  std::vector<PeerCensus::Sample> samples;
  EXPECT_THAT(DrawChart(samples), Not(HasSubstr("<svg")));
  samples.push_back({kToday, {.live = 3, .stale = 700'000}});
  EXPECT_THAT(DrawChart(samples), Not(HasSubstr("<svg")));
  samples.push_back({kToday + seconds(600), {.live = 5}});
  const std::string chart = DrawChart(samples);
  EXPECT_THAT(chart, HasSubstr("class=\"stale\" points=\"56.0,60.0 872.0,172.0 \""));
  EXPECT_THAT(chart, HasSubstr(">10 min ago<"));
  EXPECT_THAT(chart, Not(HasSubstr("nan")));
}

TEST(EscapeHtml, LeavesNothingThatABrowserActsOn) {
  EXPECT_EQ(EscapeHtml("<a href='x' title=\"y\">&amp;\n"),
            "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;amp;?");
  EXPECT_EQ(EscapeHtml("Zoë"), "Zoë");
}

TEST(StatusPage, EscapesEveryTextThatIsNotItsOwn) {
  const std::string hostile = "</td><script>alert(1)</script>\"'";
  StatusView view;
  view.gateway = view.version = hostile;
  view.parts = {{hostile, false, hostile}};
  view.interfaces = {{hostile, {}, 1, {}}};
  view.decisions[hostile] = view.evictions[hostile] = 1;
  Decision decision;
  decision.event = MakeEvent(1, 1, 1);
  decision.event.interface = decision.peer_name = decision.detail = hostile;
  view.recent = {decision};
  const std::string page = RenderStatusPage(view);
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</")));
  std::size_t shown = 0;
  const std::string escaped = EscapeHtml(hostile);
  for (auto at = page.find(escaped); at != std::string::npos; at = page.find(escaped, at + 1)) {
    ++shown;
  }
  EXPECT_EQ(shown, 11U);  // the gateway twice
}

TEST(StatusPage, AsksForNothingFromOutside) {
  const std::string page = RenderStatusPage({});
  for (const char* const outside : {"http://", "https://", "src=\"//", "style=\"", "onclick"}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(std::string(StatusPagePolicy()), Not(HasSubstr("unsafe")));
}

}  // namespace
}  // namespace jitwg::provisioner
