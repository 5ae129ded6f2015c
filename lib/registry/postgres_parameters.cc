#include "lib/registry/postgres_parameters.h"

#include <algorithm>

#include "lib/base/key.h"

namespace jitwg::registry {
namespace {

// 2000-01-01 in microseconds since 1970.
constexpr std::int64_t kPostgresEpoch = 946'684'800'000'000;

std::string Quoted(const std::string& item) {
  std::string text = "\"";
  for (const char c : item) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

}  // namespace

PostgresParameters::~PostgresParameters() {
  for (auto& value : values_) {
    if (value) WipeString(*value);
  }
}

PostgresParameters& PostgresParameters::Add(std::optional<std::string> value, bool binary) {
  // A growing vector would leave unwiped copies of short strings behind.
  if (values_.capacity() == 0) values_.reserve(32);
  values_.push_back(std::move(value));
  formats_.push_back(binary ? 1 : 0);
  return *this;
}

PostgresParameters& PostgresParameters::Null() { return Add(std::nullopt, false); }

PostgresParameters& PostgresParameters::Bytes(std::span<const std::uint8_t> bytes) {
  return Add(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), true);
}

PostgresParameters& PostgresParameters::Text(std::string_view text) {
  return Add(std::string(text), true);
}

PostgresParameters& PostgresParameters::Number(std::int64_t number) {
  return Add(std::to_string(number), false);
}

PostgresParameters& PostgresParameters::Bool(bool value) {
  return Add(value ? "true" : "false", false);
}

PostgresParameters& PostgresParameters::Time(std::optional<WallTime> time) {
  if (!time) return Null();
  const auto value = static_cast<std::uint64_t>(ToPostgresTime(*time));
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return Add(std::move(bytes), true);
}

PostgresParameters& PostgresParameters::Prefixes(const std::vector<IpPrefix>& prefixes) {
  std::vector<std::string> items;
  items.reserve(prefixes.size());
  for (const IpPrefix& prefix : prefixes) items.push_back(prefix.ToString());
  return Array(items);
}

PostgresParameters& PostgresParameters::Array(const std::vector<std::string>& items) {
  std::string text = "{";
  for (const std::string& item : items) {
    if (text.size() > 1) text += ',';
    text += item == kNullItem ? "NULL" : Quoted(item);
  }
  return Add(text + "}", false);
}

std::vector<const char*> PostgresParameters::Values() const {
  std::vector<const char*> pointers;
  pointers.reserve(values_.size());
  for (const auto& value : values_) pointers.push_back(value ? value->c_str() : nullptr);
  return pointers;
}

std::vector<int> PostgresParameters::Lengths() const {
  std::vector<int> lengths;
  lengths.reserve(values_.size());
  for (const auto& value : values_) lengths.push_back(value ? static_cast<int>(value->size()) : 0);
  return lengths;
}

std::int64_t ToPostgresTime(WallTime time) {
  return std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count() -
         kPostgresEpoch;
}

WallTime FromPostgresTime(std::int64_t microseconds) {
  // A value beyond the clock's range (years 1677..2262, infinity) is taken as its end.
  constexpr std::int64_t kLimit =
      std::chrono::floor<std::chrono::microseconds>(WallTime::duration::max()).count();
  const std::int64_t bounded =
      std::clamp(microseconds, -kLimit - kPostgresEpoch, kLimit - kPostgresEpoch);
  return WallTime(std::chrono::microseconds(bounded + kPostgresEpoch));
}

}  // namespace jitwg::registry
