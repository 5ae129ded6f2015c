// The parameters of one SQL statement. Wiped when they die, for one may be a preshared key.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/net.h"

namespace jitwg::registry {

// What no text of ours is.
inline constexpr std::string_view kNullItem{"\0", 1};

// In the order of $1, $2, ... The statement casts each to its type.
class PostgresParameters {
 public:
  PostgresParameters() = default;
  ~PostgresParameters();
  PostgresParameters(const PostgresParameters&) = delete;
  PostgresParameters& operator=(const PostgresParameters&) = delete;

  PostgresParameters& Null();
  PostgresParameters& Bytes(std::span<const std::uint8_t> bytes);  // bytea
  PostgresParameters& Text(std::string_view text);
  PostgresParameters& Number(std::int64_t number);
  PostgresParameters& Bool(bool value);
  PostgresParameters& Time(std::optional<WallTime> time);               // timestamptz
  PostgresParameters& Prefixes(const std::vector<IpPrefix>& prefixes);  // cidr[]
  // An array of anything; kNullItem is NULL.
  PostgresParameters& Array(const std::vector<std::string>& items);

  int count() const { return static_cast<int>(values_.size()); }
  // Valid until the next change.
  std::vector<const char*> Values() const;
  std::vector<int> Lengths() const;
  const std::vector<int>& formats() const { return formats_; }

 private:
  PostgresParameters& Add(std::optional<std::string> value, bool binary);

  std::vector<std::optional<std::string>> values_;
  std::vector<int> formats_;
};

// PostgreSQL's binary timestamptz: microseconds since 2000.
std::int64_t ToPostgresTime(WallTime time);
WallTime FromPostgresTime(std::int64_t microseconds);

}  // namespace jitwg::registry
