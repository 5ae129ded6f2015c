#include "lib/registry/sqlite_peers.h"

#include <string>

#include "lib/registry/sqlite_rows.h"

namespace jitwg::registry {
namespace {

constexpr const char* kUpsert =
    "INSERT INTO peer (public_key, name, network, preshared_key, persistent_keepalive, pinned,"
    " gateway, enabled, expires_at, created_at, updated_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    " ON CONFLICT (public_key) DO UPDATE SET name = ?2, network = ?3, preshared_key = ?4,"
    " persistent_keepalive = ?5, pinned = ?6, gateway = ?7, enabled = ?8, expires_at = ?9,"
    " updated_at = ?11";
constexpr const char* kInsertAllowedIp =
    "INSERT INTO allowed_ip (public_key, position, network, family, first, last, prefix_length)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
// The peer that has the greatest first address below the prefix's last, if it reaches into the
// prefix.
constexpr const char* kOverlap =
    "SELECT a.public_key, p.name FROM (SELECT public_key, last FROM allowed_ip"
    " WHERE network = ?1 AND family = ?2 AND first <= ?4 ORDER BY first DESC LIMIT 1) a"
    " LEFT JOIN peer p ON p.public_key = a.public_key WHERE a.last >= ?3";

Status WriteAllowedIps(SqliteDatabase& database, const Peer& peer) {
  auto statement = SqliteStatement::Prepare(database, kInsertAllowedIp);
  if (!statement) return statement.error();
  std::int64_t position = 0;
  for (const IpPrefix& prefix : peer.allowed_ips) {
    const PrefixRange range = RangeOf(prefix);
    statement->Reset();
    statement->BindBlob(0, peer.public_key.bytes);
    statement->BindNumber(1, position++);
    statement->BindText(2, peer.network);
    statement->BindNumber(3, FamilyNumber(prefix));
    statement->BindBlob(4, range.first);
    statement->BindBlob(5, range.last);
    statement->BindNumber(6, prefix.length());
    if (auto written = statement->Run(); !written) return written;
  }
  return {};
}

Status RefuseOverlap(SqliteDatabase& database, const Peer& peer) {
  auto statement = SqliteStatement::Prepare(database, kOverlap);
  if (!statement) return statement.error();
  for (const IpPrefix& prefix : peer.allowed_ips) {
    const PrefixRange range = RangeOf(prefix);
    statement->Reset();
    statement->BindText(0, peer.network);
    statement->BindNumber(1, FamilyNumber(prefix));
    statement->BindBlob(2, range.first);
    statement->BindBlob(3, range.last);
    const auto row = statement->Step();
    if (!row) return row.error();
    if (!*row) continue;
    const auto owner = PublicKey::FromBytes(statement->Blob(0));
    const std::string name(statement->Text(1));
    return Error{ErrorCode::kAlreadyExists,
                 "allowed IP " + prefix.ToString() + " overlaps one of peer " +
                     (owner ? owner->ToBase64() : "?") + (name.empty() ? "" : " (" + name + ")") +
                     " in network " + peer.network + "; choose a free one"};
  }
  return {};
}

Status ClearAllowedIps(SqliteDatabase& database, const PublicKey& key) {
  auto clear = SqliteStatement::Prepare(database, "DELETE FROM allowed_ip WHERE public_key = ?1");
  if (!clear) return clear.error();
  clear->BindBlob(0, key.bytes);
  return clear->Run();
}

}  // namespace

Result<std::optional<std::int64_t>> CreatedAt(SqliteDatabase& database, const PublicKey& key) {
  auto statement =
      SqliteStatement::Prepare(database, "SELECT created_at FROM peer WHERE public_key = ?1");
  if (!statement) return statement.error();
  statement->BindBlob(0, key.bytes);
  const auto row = statement->Step();
  if (!row) return row.error();
  if (!*row) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(statement->Number(0));
}

Status WriteSettings(SqliteDatabase& database, const Peer& peer, std::int64_t created_at,
                     std::int64_t updated_at) {
  auto statement = SqliteStatement::Prepare(database, kUpsert);
  if (!statement) return statement.error();
  statement->BindBlob(0, peer.public_key.bytes);
  statement->BindText(1, peer.name);
  statement->BindText(2, peer.network);
  if (peer.preshared_key) statement->BindBlob(3, peer.preshared_key->bytes());
  statement->BindNumber(4, peer.persistent_keepalive);
  statement->BindNumber(5, peer.pinned ? 1 : 0);
  statement->BindText(6, peer.gateway);
  statement->BindNumber(7, peer.enabled ? 1 : 0);
  if (peer.expires_at) statement->BindNumber(8, ToMicroseconds(*peer.expires_at));
  statement->BindNumber(9, created_at);
  statement->BindNumber(10, updated_at);
  return statement->Run();
}

Status WritePeer(SqliteDatabase& database, const Peer& peer, std::int64_t created_at,
                 std::int64_t updated_at) {
  if (auto cleared = ClearAllowedIps(database, peer.public_key); !cleared) return cleared;
  if (auto free = RefuseOverlap(database, peer); !free) return free;
  if (auto written = WriteSettings(database, peer, created_at, updated_at); !written)
    return written;
  return WriteAllowedIps(database, peer);
}

Status DeletePeer(SqliteDatabase& database, const PublicKey& key) {
  auto statement = SqliteStatement::Prepare(database, "DELETE FROM peer WHERE public_key = ?1");
  if (!statement) return statement.error();
  statement->BindBlob(0, key.bytes);
  if (auto removed = statement->Run(); !removed) return removed;
  if (sqlite3_changes(database.handle()) == 0) {
    return NoSuchPeer(key);
  }
  return {};
}

}  // namespace jitwg::registry
