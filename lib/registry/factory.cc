#include "lib/registry/factory.h"

#include "lib/registry/http_registry.h"
#include "lib/registry/postgres_control_plane.h"
#include "lib/registry/postgres_registry.h"
#include "lib/registry/postgres_settings.h"
#include "lib/registry/sqlite_control_plane.h"
#include "lib/registry/sqlite_registry.h"

namespace jitwg::registry {
namespace {

Result<RegistryAddress> ParsePostgres(std::string_view text, std::string_view rest) {
  // libpq knows the whole URI, and keywords only without a scheme.
  const bool uri = rest.substr(0, 2) == "//";
  RegistryAddress address{"postgres", std::string(uri ? text : rest)};
  if (const auto settings = PostgresSettings::Parse(address.rest); !settings) {
    return settings.error();
  }
  return address;
}

Result<RegistryAddress> ParseSqlite(std::string_view text, std::string_view rest) {
  if (rest.empty() || rest.front() != '/' || rest.back() == '/') {
    return Error{ErrorCode::kInvalidArgument,
                 "'" + std::string(text.substr(0, 100)) +
                     "' names no file; write sqlite: and an absolute path, like "
                     "sqlite:/var/lib/jitwg/registry.db"};
  }
  return RegistryAddress{"sqlite", std::string(rest)};
}

}  // namespace

Result<RegistryAddress> ParseRegistryAddress(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (colon != std::string_view::npos && (kind == "postgres" || kind == "postgresql")) {
    return ParsePostgres(text, rest);
  }
  if (colon != std::string_view::npos && kind == "sqlite") return ParseSqlite(text, rest);
  if (colon != std::string_view::npos && (kind == "http" || kind == "https")) {
    if (auto valid = CheckHttpUrl(std::string(text)); !valid) return valid.error();
    return RegistryAddress{"http", std::string(text)};
  }
  return Error{ErrorCode::kInvalidArgument,
               "'" + std::string(kind.substr(0, 40)) +
                   "' is no kind of registry; there are sqlite:/absolute/path, "
                   "postgresql://USER@HOST/DATABASE, postgres:host=HOST dbname=DATABASE and "
                   "https://HOST:PORT of a peer API"};
}

std::string ShownAddress(std::string_view text) {
  const auto address = ParseRegistryAddress(text);
  if (!address) return "?";
  return address->kind != "postgres" ? std::string(text) : address->kind;
}

Result<std::unique_ptr<Registry>> MakeRegistry(const std::string& address, const Clock& clock,
                                               bool create, const HttpCredentials& http) {
  auto parsed = ParseRegistryAddress(address);
  if (!parsed) return parsed.error();
  if (parsed->kind == "postgres") {
    auto opened = PostgresRegistry::Open(std::move(parsed->rest), clock);
    if (!opened) return opened.error();
    return std::unique_ptr<Registry>(std::move(*opened));
  }
  if (parsed->kind == "http") {
    auto opened = HttpRegistry::Open(
        {.base_url = parsed->rest, .ca_file = http.ca_file, .token_file = http.token_file});
    if (!opened) return opened.error();
    return std::unique_ptr<Registry>(std::move(*opened));
  }
  SqliteOptions options;
  options.create = create;
  auto opened = SqliteRegistry::Open(parsed->rest, clock, options);
  if (!opened) return opened.error();
  return std::unique_ptr<Registry>(std::move(*opened));
}

Result<std::unique_ptr<ControlPlane>> MakeControlPlane(const std::string& address,
                                                       const Clock& clock) {
  auto parsed = ParseRegistryAddress(address);
  if (!parsed) return parsed.error();
  if (parsed->kind == "postgres") {
    auto opened = PostgresControlPlane::Open(std::move(parsed->rest), clock);
    if (!opened) return opened.error();
    return std::unique_ptr<ControlPlane>(std::move(*opened));
  }
  if (parsed->kind == "http") {
    return Error{ErrorCode::kInvalidArgument,
                 "a peer API keeps its peers in sqlite: or postgresql://, not in another peer API"};
  }
  auto opened = SqliteControlPlane::Open(parsed->rest, clock);
  if (!opened) return opened.error();
  return std::unique_ptr<ControlPlane>(std::move(*opened));
}

}  // namespace jitwg::registry
