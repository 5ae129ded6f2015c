#include "lib/registry/postgres_migrations.h"

#include <algorithm>

#include "lib/registry/postgres_error.h"
#include "lib/registry/postgres_rows.h"

namespace jitwg::registry {
namespace {

// "jitwgdb": any number that nobody else locks in this database.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(x'6a697477676462'::bigint)";
constexpr const char* kFoundation =
    "CREATE SCHEMA IF NOT EXISTS jitwg;"
    "CREATE TABLE IF NOT EXISTS jitwg.migration (version integer PRIMARY KEY, name text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now())";
constexpr const char* kRead = "SELECT version, name, applied_at FROM jitwg.migration ORDER BY 1";

Error Newer(int version) {
  return Error{ErrorCode::kFailedPrecondition,
               "the registry database has schema version " + std::to_string(version) +
                   ", this program knows " + std::to_string(Migrations().back().version) +
                   "; install a newer jitwg"};
}

Error InMigration(const Migration& migration, const Error& error) {
  return Error{error.code, "migration " + migration.name + ": " + error.message};
}

Result<int> NewestVersion(PostgresSession& session, SteadyTime deadline) {
  const auto applied = AppliedMigrations(session, deadline);
  if (!applied) return applied.error();
  return applied->empty() ? 0 : applied->back().version;
}

// The lock lasts until the transaction ends. READ COMMITTED: what is read after it is what the one
// before us committed.
Status Apply(PostgresSession& session, const Migration& migration, SteadyTime deadline) {
  PostgresParameters parameters;
  parameters.Number(migration.version).Text(migration.name);
  if (auto run = session.RunScript(migration.sql, deadline); !run) return run;
  const auto noted =
      session.Run("INSERT INTO jitwg.migration (version, name) VALUES ($1::integer, $2::text)",
                  parameters, deadline);
  if (!noted) return noted.error();
  return {};
}

// Applies the next one that is missing; its name, or empty when there is none.
Result<std::string> ApplyNext(PostgresSession& session, SteadyTime deadline) {
  auto transaction = PostgresTransaction::Begin(session, deadline);
  if (!transaction) return transaction.error();
  // A migration may take longer than a look-up may, and so may waiting for another's.
  if (auto set = session.RunScript("SET LOCAL statement_timeout = 0", deadline); !set) {
    return set.error();
  }
  if (const auto locked = session.Run(kLock, deadline); !locked) return locked.error();
  auto newest = NewestVersion(session, deadline);
  if (!newest) return newest.error();
  if (*newest > Migrations().back().version) return Newer(*newest);
  if (*newest == Migrations().back().version) return std::string();
  if (*newest == 0) {
    if (auto made = session.RunScript(kFoundation, deadline); !made) return made.error();
  }
  const auto next = std::find_if(Migrations().begin(), Migrations().end(),
                                 [&](const Migration& m) { return m.version > *newest; });
  if (auto applied = Apply(session, *next, deadline); !applied) {
    return InMigration(*next, applied.error());
  }
  if (auto committed = transaction->Commit(); !committed) {
    return InMigration(*next, committed.error());
  }
  return next->name;
}

}  // namespace

Result<std::vector<AppliedMigration>> AppliedMigrations(PostgresSession& session,
                                                        SteadyTime deadline) {
  // Asked first: an error inside a transaction would end it.
  const auto exists = session.Run(
      "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
      " WHERE n.nspname = 'jitwg' AND c.relname = 'migration'",
      deadline);
  if (!exists) return exists.error();
  std::vector<AppliedMigration> applied;
  if (PQntuples(exists->get()) == 0) return applied;
  const auto rows = session.Run(kRead, deadline);
  if (!rows) return rows.error();
  for (int row = 0; row < PQntuples(rows->get()); ++row) {
    applied.push_back({static_cast<int>(PostgresCell(rows->get(), row, 0).Number().value_or(0)),
                       OneLine(PostgresCell(rows->get(), row, 1).Text()),
                       PostgresCell(rows->get(), row, 2).Time().value_or(WallTime())});
  }
  return applied;
}

Result<std::vector<std::string>> Migrate(PostgresSession& session, SteadyTime deadline,
                                         const std::function<void(std::size_t)>& applied) {
  std::vector<std::string> names;
  for (;;) {
    const auto next = ApplyNext(session, deadline);
    if (!next) return next.error();
    if (next->empty()) return names;
    names.push_back(*next);
    if (applied) applied(names.size());
  }
}

Status CheckSchema(PostgresSession& session, SteadyTime deadline) {
  const auto newest = NewestVersion(session, deadline);
  if (!newest) return newest.error();
  const int known = Migrations().back().version;
  if (*newest == known) return {};
  if (*newest > known) return Newer(*newest);
  return Error{ErrorCode::kFailedPrecondition,
               *newest == 0 ? std::string("the registry database has no jitwg tables; run jitwgctl "
                                          "db migrate on it")
                            : "the registry database has schema version " +
                                  std::to_string(*newest) + ", this program needs " +
                                  std::to_string(known) + "; run jitwgctl db migrate on it"};
}

}  // namespace jitwg::registry
