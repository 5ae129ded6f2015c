// Gateways' reports in the SQLite schema. Runs no transaction of its own.
#pragma once

#include <vector>

#include "lib/registry/sightings.h"
#include "lib/registry/sqlite_database.h"

namespace jitwg::registry {

// Inside a write transaction; the report is valid already.
Status WriteReport(SqliteDatabase& database, const GatewayReport& report, WallTime now);

// As ControlPlane says.
Result<std::vector<Gateway>> ReadGateways(SqliteDatabase& database);
Result<std::vector<Sighting>> ReadSightings(SqliteDatabase& database,
                                            const std::vector<PublicKey>& keys);

}  // namespace jitwg::registry
