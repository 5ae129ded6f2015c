#include "ctl/live_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace jitwg::ctl {
namespace {

using std::chrono_literals::operator""s;
using testing::HasSubstr;
using testing::Not;

Json Decision(const std::string& verdict, const std::string& name) {
  return {{"type", "decision"},
          {"decided_at", "2026-11-23T17:04:05.123456Z"},
          {"public_key", "lrrCzckYu7LtbpZEC6+gSHwHAKhpDXC2KlVJvEXyb0k="},
          {"source", "192.0.2.1:5555"},
          {"verdict", verdict},
          {"peer_name", name},
          {"lookup_microseconds", 1100U},
          {"install_microseconds", 250U}};
}

// The lines of a frame without what tells the terminal to clear.
std::vector<std::string> FrameLines(const std::string& frame) {
  std::vector<std::string> lines;
  std::istringstream text(frame);
  for (std::string line; std::getline(text, line);) {
    for (const char* code : {"\x1b[H", "\x1b[K", "\x1b[J"}) {
      if (const auto at = line.find(code); at != std::string::npos) line.erase(at, 3);
    }
    lines.push_back(line);
  }
  return lines;
}

TEST(LiveTable, CountsByVerdictAndShowsTheNewestFirst) {
  LiveTable table("wg0", false);
  EXPECT_THAT(table.Frame(10, 100, 0s), HasSubstr("nothing yet"));
  table.Add(Decision("unknown_key", ""));
  table.Add(Decision("installed", "laptop"));
  table.Add({{"type", "eviction"}, {"evicted_at", "2026-11-23T17:05:00Z"}, {"reason", "idle"}});
  table.AddLost(1200);
  const auto lines = FrameLines(table.Frame(10, 100, 63s));
  EXPECT_THAT(lines[0], HasSubstr("wg0, for 1m03s"));
  EXPECT_EQ(lines[1], "evicted 1   installed 1   unknown_key 1   lost 1,200");
  EXPECT_THAT(lines[4], HasSubstr("17:05:00Z"));
  EXPECT_THAT(lines[4], HasSubstr("idle"));
  EXPECT_THAT(lines[5], HasSubstr("17:04:05.123"));
  EXPECT_THAT(lines[5], HasSubstr("installed    laptop"));
  EXPECT_THAT(lines[5], HasSubstr("192.0.2.1:5555  1.3 ms"));
  EXPECT_THAT(lines[6], HasSubstr("lrrCzckYu7Lt..."));
}

TEST(LiveTable, FitsTheTerminalWhateverItsSizeAndTheNames) {
  LiveTable table("wg0", false);
  for (int number = 0; number < 2000; ++number) {
    table.Add(Decision("installed", "J\xc3\xb6rg's \x1b[2Jlaptop"));
  }
  for (const std::size_t rows : {0U, 1U, 4U, 5U, 6U, 24U, 1000U}) {
    const std::string frame = table.Frame(rows, 40, 0s);
    const auto lines = FrameLines(frame);
    EXPECT_LE(lines.size(), std::max<std::size_t>(rows, 5)) << rows;
    for (const std::string& line : lines) EXPECT_LE(line.size(), 42U) << line;
    EXPECT_THAT(frame, Not(HasSubstr("\x1b[2J"))) << "a peer's name reached the terminal as it is";
  }
}

TEST(LiveTable, ColoursOnlyWhereTheyAreWanted) {
  for (const bool colour : {false, true}) {
    LiveTable table("wg0", colour);
    table.Add(Decision("installed", "a"));
    table.Add(Decision("replay", "b"));
    const std::string frame = table.Frame(24, 80, 0s);
    EXPECT_EQ(frame.find("\x1b[32m") != std::string::npos, colour);
    EXPECT_EQ(frame.find("\x1b[31m") != std::string::npos, colour);
  }
}

}  // namespace
}  // namespace jitwg::ctl
