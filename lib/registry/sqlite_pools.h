// Networks and their address pools in the SQLite schema. Runs no transaction of its own.
#pragma once

#include <string>
#include <vector>

#include "lib/registry/control_plane.h"
#include "lib/registry/sqlite_database.h"

namespace jitwg::registry {

// Inside a write transaction: the lowest free address of each family that the network has a pool
// for. Errors as ControlPlane::Create; what is learned of full pools is worth committing then too.
Result<std::vector<IpPrefix>> AllocateAddresses(SqliteDatabase& database,
                                                const std::string& network);

// Inside a write transaction; the network is valid already.
Status WriteNetwork(SqliteDatabase& database, const Network& network, WallTime now);
// kNotFound, kFailedPrecondition as ControlPlane::DeleteNetwork.
Status EraseNetwork(SqliteDatabase& database, const std::string& name);

Result<std::vector<Network>> ReadNetworks(SqliteDatabase& database);

}  // namespace jitwg::registry
