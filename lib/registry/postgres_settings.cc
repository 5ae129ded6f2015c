#include "lib/registry/postgres_settings.h"

#include <libpq-fe.h>

#include <array>
#include <map>
#include <memory>

#include "lib/base/key.h"
#include "lib/registry/postgres_error.h"

namespace jitwg::registry {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 6> kDefaults = {{
    {"connect_timeout", "3"},
    {"keepalives", "1"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "10000"},
}};

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

std::map<std::string, std::string> ToMap(const PQconninfoOption* options) {
  std::map<std::string, std::string> map;
  for (const auto* o = options; o != nullptr && o->keyword != nullptr; ++o) {
    if (o->val != nullptr && *o->val != '\0') map[o->keyword] = o->val;
  }
  return map;
}

// What the string comes to with its service file and the environment. libpq tells that of a
// connection only, so one is begun that fails before it reaches for the network.
std::map<std::string, std::string> Effective(const std::string& connection) {
  const std::array<const char*, 4> keywords = {"dbname", "host", "hostaddr", nullptr};
  const std::array<const char*, 4> values = {connection.c_str(), "/", "none", nullptr};
  const std::unique_ptr<PGconn, Finish> probe(
      PQconnectStartParams(keywords.data(), values.data(), 1));
  if (!probe) return {};
  return ToMap(Options(PQconninfo(probe.get())).get());
}

// libpq quotes the piece it does not understand, which may be half a password.
std::string WithoutQuoted(std::string_view message) {
  std::string shown;
  bool inside = false;
  for (const char c : message) {
    if (c == '"') {
      if (!inside) shown += "\"...\"";
      inside = !inside;
    } else if (!inside) {
      shown += c;
    }
  }
  return OneLine(shown);
}

}  // namespace

Result<PostgresSettings> PostgresSettings::Parse(std::string connection) {
  char* message = nullptr;
  const Options options(PQconninfoParse(connection.c_str(), &message));
  const std::unique_ptr<char, void (*)(void*)> owned(message, PQfreemem);
  if (options) return PostgresSettings(std::move(connection));
  return Error{ErrorCode::kInvalidArgument,
               "the registry's connection string cannot be read: " +
                   (message == nullptr ? "out of memory" : WithoutQuoted(message)) +
                   "; write postgresql://USER@HOST/DATABASE or "
                   "postgres:host=HOST user=USER dbname=DATABASE"};
}

PostgresKeywords PostgresSettings::Keywords() const {
  PostgresKeywords keywords;
  const auto effective = Effective(connection_);
  for (const auto& [keyword, value] : kDefaults) {
    if (effective.count(keyword) == 0) keywords.emplace_back(keyword, value);
  }
  keywords.emplace_back("dbname", connection_);
  keywords.emplace_back("fallback_application_name", "jitwg");
  keywords.emplace_back("client_encoding", "UTF8");
  return keywords;
}

std::string PostgresSettings::Scrub(std::string message) const {
  auto effective = Effective(connection_);
  for (const char* secret : {"password", "sslpassword"}) {
    std::string& value = effective[secret];
    for (std::size_t at = 0; !value.empty() && (at = message.find(value, at)) != std::string::npos;
         at += 3) {
      message.replace(at, value.size(), "...");
    }
    WipeString(value);
  }
  return OneLine(message);
}

}  // namespace jitwg::registry
