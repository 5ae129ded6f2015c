// A libpq connection string (keywords or URI) with jitwg's defaults beneath it. Takes nothing out
// of it: libpq alone reads hosts, services, password files and TLS settings.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/result.h"

namespace jitwg::registry {

// Keywords and values as PQconnectStartParams takes them; a later one of the same keyword wins.
using PostgresKeywords = std::vector<std::pair<std::string, std::string>>;

class PostgresSettings {
 public:
  // kInvalidArgument when libpq cannot read the string; the message repeats no value of it.
  static Result<PostgresSettings> Parse(std::string connection);

  // What to connect with now. Defaults for what neither the string nor its service file nor the
  // environment says: connect_timeout (of each host), TCP keepalives, tcp_user_timeout.
  PostgresKeywords Keywords() const;

  // `message` as one line, without the password.
  std::string Scrub(std::string message) const;

 private:
  explicit PostgresSettings(std::string connection) : connection_(std::move(connection)) {}

  std::string connection_;
};

}  // namespace jitwg::registry
