// The registry's schema in PostgreSQL: numbered SQL files, each applied once, in order, by
// `jitwgctl db migrate`. Nothing else changes the schema.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/registry/postgres_admin.h"
#include "lib/registry/postgres_session.h"

namespace jitwg::registry {

struct Migration {
  int version = 0;
  std::string name;  // of its file, "0001_registry"
  std::string sql;
};

// All that this program has, in order; from lib/registry/migrations at build time.
const std::vector<Migration>& Migrations();

// What the database has; empty when it has no schema of ours.
Result<std::vector<AppliedMigration>> AppliedMigrations(PostgresSession& session,
                                                        SteadyTime deadline);

// Applies what is missing, each in a transaction of its own, and returns their names. One runs at a
// time: others wait, then find nothing to do. kFailedPrecondition when the database has a newer
// schema; what failed names its migration, and leaves those before it applied. `applied`, if any,
// is told after each how many it were.
Result<std::vector<std::string>> Migrate(PostgresSession& session, SteadyTime deadline,
                                         const std::function<void(std::size_t)>& applied = {});

// OK when the database has exactly this program's schema. kFailedPrecondition says what to do.
Status CheckSchema(PostgresSession& session, SteadyTime deadline);

}  // namespace jitwg::registry
