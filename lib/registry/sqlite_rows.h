// Peers as rows of the SQLite schema, and back. Runs no transaction of its own.
#pragma once

#include <array>
#include <vector>

#include "lib/registry/registry.h"
#include "lib/registry/sqlite_database.h"

namespace jitwg::registry {

// The columns that ReadPeers expects, for "SELECT <kPeerColumns> FROM peer p LEFT JOIN allowed_ip a
// ...", ordered by key and position.
#define JITWG_PEER_COLUMNS                                                               \
  "p.public_key, p.name, p.network, p.preshared_key, p.persistent_keepalive, p.pinned, " \
  "p.gateway, p.enabled, p.expires_at, p.created_at, p.updated_at, a.family, a.first, "  \
  "a.last, a.prefix_length"

// Steps the statement to its end. kDataLoss, naming the key, for a row that no Put can have
// written.
Result<std::vector<Peer>> ReadPeers(SqliteStatement& statement);

// The first and last address of a prefix as the schema has them.
struct PrefixRange {
  std::array<std::uint8_t, 16> first{};
  std::array<std::uint8_t, 16> last{};
};
PrefixRange RangeOf(const IpPrefix& prefix);
// 4 or 6.
std::int64_t FamilyNumber(const IpPrefix& prefix);

std::int64_t ToMicroseconds(WallTime time);
WallTime FromMicroseconds(std::int64_t microseconds);

}  // namespace jitwg::registry
