// Peers in PostgreSQL as the control plane changes them. Runs no transaction of its own.
#pragma once

#include <optional>

#include "lib/registry/control_plane.h"
#include "lib/registry/postgres_session.h"

namespace jitwg::registry {

// `lock`: nobody else changes or deletes the peer until the transaction ends.
Result<std::optional<Peer>> SelectPeer(PostgresSession& session, const PublicKey& key, bool lock,
                                       SteadyTime deadline);

// Inserts the peer, with addresses of the network's pools where it has none, and returns it as
// stored. nullopt: its key is there already. kAlreadyExists names the address that is taken; the
// transaction has failed then, as with any error.
Result<std::optional<Peer>> InsertPeer(PostgresSession& session, const Peer& wish, WallTime now,
                                       SteadyTime deadline);

// Writes all settings of a peer that is there, and returns it as stored.
Result<Peer> UpdatePeer(PostgresSession& session, const Peer& peer, WallTime now,
                        SteadyTime deadline);

}  // namespace jitwg::registry
