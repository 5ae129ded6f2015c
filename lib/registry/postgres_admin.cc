#include "lib/registry/postgres_admin.h"

#include "lib/registry/postgres_migrations.h"

namespace jitwg::registry {
namespace {

Result<PostgresSession> Open(const std::string& connection, SteadyTime deadline) {
  const auto settings = PostgresSettings::Parse(connection);
  if (!settings) return settings.error();
  return PostgresSession::Open(*settings, deadline);
}

}  // namespace

Result<SchemaState> ReadSchema(const std::string& connection, std::chrono::milliseconds timeout) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
  auto session = Open(connection, deadline);
  if (!session) return session.error();
  auto applied = AppliedMigrations(*session, deadline);
  if (!applied) return applied.error();
  SchemaState state;
  state.applied = std::move(*applied);
  state.known = Migrations().back().version;
  for (const Migration& migration : Migrations()) {
    if (migration.version > state.version()) state.missing.push_back(migration.name);
  }
  return state;
}

Result<std::vector<std::string>> MigrateSchema(const std::string& connection,
                                               std::chrono::milliseconds timeout,
                                               const std::function<void(std::size_t)>& applied) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
  auto session = Open(connection, deadline);
  if (!session) return session.error();
  return Migrate(*session, deadline, applied);
}

}  // namespace jitwg::registry
