#include "peer-api/times.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace jitwg::api {
namespace {

constexpr int kFirstYear = 1970;
constexpr int kLastYear = 2261;  // what nanoseconds in 64 bits reach
constexpr std::chrono::sys_days kBehindLastYear{std::chrono::year(kLastYear + 1) / 1 / 1};

// Takes text apart from its front.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  // Exactly so many digits within [min, max].
  int Number(std::size_t digits, int min, int max) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
        good_ = false;
        return min;
      }
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    good_ = good_ && value >= min && value <= max;
    return value;
  }
  bool Take(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(std::string_view any_of) { good_ = Take(any_of) && good_; }
  std::chrono::microseconds Fraction() {
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++digits) {
      if (digits < 6) value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    good_ = good_ && digits >= 1 && digits <= 9;
    for (std::size_t i = digits; i < 6; ++i) value *= 10;
    return std::chrono::microseconds(value);
  }
  std::chrono::minutes Offset() {
    if (Take("Zz")) return {};
    const bool west = !rest_.empty() && rest_.front() == '-';
    Expect("+-");
    const int hours = Number(2, 0, 23);
    Expect(":");
    const std::chrono::minutes offset(hours * 60 + Number(2, 0, 59));
    return west ? -offset : offset;
  }
  bool good() const { return good_; }
  bool done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::optional<WallTime> Parse(std::string_view text) {
  Cursor cursor(text);
  const std::chrono::year year(cursor.Number(4, kFirstYear, kLastYear));
  cursor.Expect("-");
  const std::chrono::month month(static_cast<unsigned>(cursor.Number(2, 1, 12)));
  cursor.Expect("-");
  const std::chrono::day day(static_cast<unsigned>(cursor.Number(2, 1, 31)));
  cursor.Expect("Tt");
  const std::chrono::hours hours(cursor.Number(2, 0, 23));
  cursor.Expect(":");
  const std::chrono::minutes minutes(cursor.Number(2, 0, 59));
  cursor.Expect(":");
  const std::chrono::seconds seconds(cursor.Number(2, 0, 59));
  const auto fraction = cursor.Take(".") ? cursor.Fraction() : std::chrono::microseconds(0);
  const auto offset = cursor.Offset();
  const std::chrono::year_month_day date(year, month, day);
  if (!cursor.done() || !date.ok()) return std::nullopt;
  const auto time =
      WallTime(std::chrono::sys_days(date)) + hours + minutes + seconds + fraction - offset;
  // An offset can move it out of those years.
  const bool fits = time >= WallTime() && time < WallTime(kBehindLastYear);
  return fits ? std::optional(time) : std::nullopt;
}

}  // namespace

Result<WallTime> ParseTime(std::string_view text) {
  const auto time = Parse(text);
  if (time) return *time;
  return Error{ErrorCode::kInvalidArgument,
               "is no time of the years 1970 to 2261 like 2027-01-01T00:00:00Z (RFC 3339)"};
}

std::string FormatTime(WallTime time) {
  const auto micros = std::chrono::floor<std::chrono::microseconds>(time);
  const auto days = std::chrono::floor<std::chrono::days>(micros);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(micros - days);
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (clock.subseconds().count() != 0) text += fmt::format(".{:06}", clock.subseconds().count());
  return text + "Z";
}

}  // namespace jitwg::api
