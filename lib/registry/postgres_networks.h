// Networks, gateways and sightings in PostgreSQL. Runs no transaction of its own.
#pragma once

#include <string>
#include <vector>

#include "lib/registry/control_plane.h"
#include "lib/registry/postgres_session.h"

namespace jitwg::registry {

// The network is valid already.
Status WriteNetwork(PostgresSession& session, const Network& network, WallTime now,
                    SteadyTime deadline);
Result<std::vector<Network>> ReadNetworks(PostgresSession& session, SteadyTime deadline);
// Inside a transaction. kNotFound, kFailedPrecondition as ControlPlane::DeleteNetwork.
Status EraseNetwork(PostgresSession& session, const std::string& name, SteadyTime deadline);

Result<std::vector<Gateway>> ReadGateways(PostgresSession& session, SteadyTime deadline);
Result<std::vector<Sighting>> ReadSightings(PostgresSession& session,
                                            const std::vector<PublicKey>& keys,
                                            SteadyTime deadline);

}  // namespace jitwg::registry
