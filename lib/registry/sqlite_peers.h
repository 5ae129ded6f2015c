// The statements that change one peer of the SQLite schema. They belong inside a write transaction
// and run none of their own.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/registry/registry.h"
#include "lib/registry/sqlite_database.h"
#include "lib/registry/sqlite_rows.h"

namespace jitwg::registry {

// The peer of key ?1, for ReadPeers.
inline constexpr const char* kFindPeer =
    "SELECT " JITWG_PEER_COLUMNS
    " FROM peer p LEFT JOIN allowed_ip a ON a.public_key = p.public_key"
    " WHERE p.public_key = ?1 ORDER BY a.position";

// When the peer was created, in microseconds; nullopt: it is not there.
Result<std::optional<std::int64_t>> CreatedAt(SqliteDatabase& database, const PublicKey& key);

// Creates or replaces the peer, which is valid already. kAlreadyExists: an allowed IP overlaps one
// of another peer, who is named.
Status WritePeer(SqliteDatabase& database, const Peer& peer, std::int64_t created_at,
                 std::int64_t updated_at);

// The same without its allowed IPs: those stay as they are.
Status WriteSettings(SqliteDatabase& database, const Peer& peer, std::int64_t created_at,
                     std::int64_t updated_at);

// kNotFound.
Status DeletePeer(SqliteDatabase& database, const PublicKey& key);

}  // namespace jitwg::registry
