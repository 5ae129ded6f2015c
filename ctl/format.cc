#include "ctl/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <ostream>

#include "lib/base/config_values.h"

namespace jitwg::ctl {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

Error NoTime(std::string_view text) {
  return Error{ErrorCode::kInvalidArgument,
               Quoted(text) + " is no time; write UTC like 2027-01-01T00:00:00Z, or just a day"};
}

// Exactly `digits` digits off the front of `text`, then `separator` (unless 0); nullopt otherwise.
std::optional<int> TakeNumber(std::string_view& text, std::size_t digits, char separator) {
  if (text.size() < digits + (separator == 0 ? 0 : 1)) return std::nullopt;
  int number = 0;
  const char* end = text.data() + digits;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end || text.front() == '-') return std::nullopt;
  if (separator != 0 && text[digits] != separator) return std::nullopt;
  text.remove_prefix(digits + (separator == 0 ? 0 : 1));
  return number;
}

// What is behind the seconds: "Z" or ".123456Z".
std::optional<microseconds> TakeFraction(std::string_view text) {
  if (text == "Z") return microseconds(0);
  if (text.size() < 3 || text.front() != '.' || text.back() != 'Z') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::int64_t value = 0;
  for (std::size_t i = 0; i < std::max<std::size_t>(text.size(), 6); ++i) {
    const char digit = i < text.size() ? text[i] : '0';
    if (digit < '0' || digit > '9') return std::nullopt;
    if (i < 6) value = value * 10 + (digit - '0');
  }
  return microseconds(value);
}

}  // namespace

std::string FormatTime(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<microseconds>(time - day));
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (clock.subseconds().count() != 0) text += fmt::format(".{:06}", clock.subseconds().count());
  return text + "Z";
}

Result<WallTime> ParseTime(std::string_view text) {
  std::string_view rest = text;
  const auto year = TakeNumber(rest, 4, '-');
  const auto month = TakeNumber(rest, 2, '-');
  const auto day = TakeNumber(rest, 2, 0);
  if (!year || !month || !day) return NoTime(text);
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  // The system clock counts nanoseconds: it ends in 2262.
  if (!date.ok() || *year < 1970 || *year > 2261) return NoTime(text);
  const WallTime midnight{std::chrono::sys_days(date)};
  if (rest.empty()) return midnight;
  if (rest.front() != 'T') return NoTime(text);
  rest.remove_prefix(1);
  const auto hour = TakeNumber(rest, 2, ':');
  const auto minute = TakeNumber(rest, 2, ':');
  const auto second = TakeNumber(rest, 2, 0);
  const auto fraction = TakeFraction(rest);
  if (!hour || !minute || !second || !fraction || *hour > 23 || *minute > 59 || *second > 59) {
    return NoTime(text);
  }
  return midnight + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + seconds(*second) +
         *fraction;
}

std::string FormatAge(seconds age) {
  const std::int64_t total = std::max<std::int64_t>(age.count(), 0);
  const std::int64_t minutes = total / 60;
  const std::int64_t hours = minutes / 60;
  if (total < 60) return fmt::format("{}s", total);
  if (minutes < 60) return fmt::format("{}m{:02}s", minutes, total % 60);
  if (hours < 24) return fmt::format("{}h{:02}m", hours, minutes % 60);
  return fmt::format("{}d{}h", hours / 24, hours % 24);
}

std::string FormatBytes(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string FormatPrefixes(const std::vector<IpPrefix>& prefixes, std::string_view separator) {
  std::string text;
  for (const IpPrefix& prefix : prefixes) {
    if (!text.empty()) text += separator;
    text += prefix.ToString();
  }
  return text;
}

std::string Clean(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return clean;
}

void Table::Print(std::ostream& out, std::string_view indent) const {
  std::vector<std::size_t> widths(rows_.front().size(), 1);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows_) {
    std::string line(indent);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = row[i].empty() ? "-" : Clean(row[i]);
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] - cell.size() + 2, ' ');
    }
    out << line << "\n";
  }
}

}  // namespace jitwg::ctl
