// What `jitwgctl watch` shows on a terminal: counts since it began, and the newest lines in
// columns. Draws frames as text; knows no stream and no terminal but its size.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "ctl/json.h"

namespace jitwg::ctl {

class LiveTable {
 public:
  // `what` stands in the heading; `colour`: escape sequences for it are wanted.
  LiveTable(std::string what, bool colour) : what_(std::move(what)), colour_(colour) {}

  // An event, demand, decision or eviction as `watch --json` prints it.
  void Add(const Json& message);
  void AddLost(std::uint64_t count) { lost_ += count; }

  // A whole screen of at most `rows` lines of at most `columns` characters, which overwrites the
  // last one without a flicker: begins with "cursor home", clears what is left of each line, and
  // then what is below. `watched`: since it began.
  std::string Frame(std::size_t rows, std::size_t columns, std::chrono::seconds watched) const;

 private:
  enum class Tone { kPlain, kGood, kBad, kGone };
  struct Line {
    std::vector<std::string> cells;  // time, kind, verdict or reason, peer, from, how long
    Tone tone = Tone::kPlain;
  };

  void Keep(Line line);
  std::string Counts() const;
  std::string Painted(const std::string& text, Tone tone) const;

  const std::string what_;
  const bool colour_;
  std::uint64_t lost_ = 0;
  std::map<std::string, std::uint64_t> counts_;
  std::deque<Line> lines_;  // newest first
};

}  // namespace jitwg::ctl
