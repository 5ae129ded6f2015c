// Values as an operator reads them: tables, times, sizes. Nothing here lets control characters
// through to a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/net.h"
#include "lib/base/result.h"

namespace jitwg::ctl {

// "2027-01-01T00:00:00Z", with a fraction of microseconds where there is one.
std::string FormatTime(WallTime time);

// RFC 3339 in UTC, "2027-01-01T00:00:00Z" or with a fraction, or just a day, "2027-01-01".
// kInvalidArgument otherwise.
Result<WallTime> ParseTime(std::string_view text);

// "3s", "12m", "5h03m", "2d7h": two units at most. Negative ages (a clock that stepped) are "0s".
std::string FormatAge(std::chrono::seconds age);

// "812 B", "1.5 KiB", "3.2 GiB".
std::string FormatBytes(std::uint64_t bytes);

std::string FormatPrefixes(const std::vector<IpPrefix>& prefixes, std::string_view separator);

// Replaces control characters by '?'.
std::string Clean(std::string_view text);

// Columns as wide as their widest cell, two blanks apart; the first row is the heading.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  // As many cells as the heading has; an empty one is shown as "-".
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void Print(std::ostream& out, std::string_view indent = "") const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace jitwg::ctl
