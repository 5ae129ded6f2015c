// The SQLite registry's tables, version by version. Runs no transaction of its own.
#pragma once

#include "lib/registry/sqlite_database.h"

namespace jitwg::registry {

// Brings an open transaction's database from one version (0: empty) to another, at most
// kSchemaVersion.
Status Migrate(SqliteDatabase& database, int from, int to);

}  // namespace jitwg::registry
