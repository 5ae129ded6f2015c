#include "lib/registry/sqlite_connections.h"

#include <algorithm>
#include <utility>

#include "lib/registry/sqlite_rows.h"
#include "lib/registry/sqlite_schema.h"

namespace jitwg::registry {
namespace {

constexpr const char* kFind = "SELECT " JITWG_PEER_COLUMNS
                              " FROM peer p LEFT JOIN allowed_ip a ON a.public_key = p.public_key"
                              " WHERE p.public_key = ?1 ORDER BY a.position";
constexpr const char* kList =
    "SELECT " JITWG_PEER_COLUMNS
    " FROM (SELECT * FROM peer WHERE public_key > ?1 AND (?2 = '' OR network = ?2)"
    "       AND pinned >= ?3 ORDER BY public_key LIMIT ?4) p"
    " LEFT JOIN allowed_ip a ON a.public_key = p.public_key ORDER BY p.public_key, a.position";
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
constexpr std::int64_t kChangesAtOnce = 256;
constexpr std::chrono::milliseconds kPollPatience(100);

std::int64_t FamilyNumber(const IpPrefix& prefix) { return prefix.address().is_v4() ? 4 : 6; }

Status RunToEnd(SqliteStatement& statement) {
  const auto row = statement.Step();
  if (!row) return row.error();
  return {};
}

}  // namespace

SqliteReader::SqliteReader(SqliteDatabase database, SqliteStatement find, SqliteStatement changes,
                           SqliteStatement newest)
    : database_(std::move(database)),
      find_(std::move(find)),
      changes_(std::move(changes)),
      newest_(std::move(newest)) {}

Result<std::unique_ptr<SqliteReader>> SqliteReader::Open(const std::string& path,
                                                         std::chrono::milliseconds busy_timeout) {
  auto database = SqliteDatabase::Open(path);
  if (!database) return database.error();
  if (auto prepared = PrepareConnection(*database, busy_timeout); !prepared)
    return prepared.error();
  if (auto set = database->Execute("PRAGMA query_only = ON"); !set) return set.error();
  auto find = SqliteStatement::Prepare(*database, kFind);
  if (!find) return find.error();
  auto changes = SqliteStatement::Prepare(
      *database, "SELECT seq, public_key FROM change WHERE seq > ?1 ORDER BY seq LIMIT ?2");
  if (!changes) return changes.error();
  // sqlite_sequence remembers the number when all rows are gone.
  auto newest = SqliteStatement::Prepare(
      *database, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0)");
  if (!newest) return newest.error();
  return std::unique_ptr<SqliteReader>(new SqliteReader(std::move(*database), std::move(*find),
                                                        std::move(*changes), std::move(*newest)));
}

Result<std::optional<Peer>> SqliteReader::Find(const PublicKey& key,
                                               std::chrono::milliseconds patience) {
  damaged_row_ = false;
  database_.SetBusyTimeout(patience);
  find_.Reset();
  find_.BindBlob(0, key.bytes);
  auto peers = ReadPeers(find_);
  const int code = find_.code() & 0xff;
  find_.Reset();
  if (peers) {
    if (peers->empty()) return std::optional<Peer>();
    return std::optional<Peer>(std::move(peers->front()));
  }
  damaged_row_ = code == SQLITE_ROW || code == SQLITE_DONE;
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    return Error{ErrorCode::kDeadlineExceeded, peers.error().message};
  }
  return peers.error();
}

Result<SqliteReader::News> SqliteReader::ChangesAfter(std::optional<std::int64_t> seen) {
  News news;
  database_.SetBusyTimeout(kPollPatience);
  newest_.Reset();
  const auto row = newest_.Step();
  if (!row) return row.error();
  news.newest = *row ? newest_.Number(0) : 0;
  newest_.Reset();
  if (seen == news.newest) return news;
  if (!seen || *seen > news.newest) {  // the file was replaced by an older one
    news.changes.push_back({});
    return news;
  }
  changes_.Reset();
  changes_.BindNumber(0, *seen);
  changes_.BindNumber(1, kChangesAtOnce);
  std::int64_t last = *seen;
  for (;;) {
    const auto change = changes_.Step();
    if (!change) return change.error();
    if (!*change) break;
    const auto key = PublicKey::FromBytes(changes_.Blob(1));
    const bool gap = changes_.Number(0) != last + 1;
    last = changes_.Number(0);
    if (gap || !key) news.changes.push_back({});
    if (key) news.changes.push_back({*key});
  }
  changes_.Reset();
  if (last == *seen) {  // counted, but gone already
    news.changes.push_back({});
    return news;
  }
  news.more = last < news.newest;
  news.newest = last;
  return news;
}

Result<std::unique_ptr<SqliteWriter>> SqliteWriter::Open(const std::string& path,
                                                         std::chrono::milliseconds busy_timeout) {
  auto database = SqliteDatabase::Open(path);
  if (!database) return database.error();
  if (auto prepared = PrepareConnection(*database, busy_timeout); !prepared)
    return prepared.error();
  return std::unique_ptr<SqliteWriter>(new SqliteWriter(std::move(*database)));
}

Result<std::vector<Peer>> SqliteWriter::List(const ListQuery& query) {
  auto statement = SqliteStatement::Prepare(database_, kList);
  if (!statement) return statement.error();
  const std::array<std::uint8_t, 1> before_all{};
  if (query.after) {
    statement->BindBlob(0, query.after->bytes);
  } else {
    statement->BindBlob(0, std::span(before_all).first(0));
  }
  statement->BindText(1, query.network);
  statement->BindNumber(2, query.pinned_only ? 1 : 0);
  statement->BindNumber(3, static_cast<std::int64_t>(query.limit));
  return ReadPeers(*statement);
}

Status SqliteWriter::Put(const Peer& peer, bool replace, WallTime now) {
  auto transaction = SqliteTransaction::BeginWrite(database_);
  if (!transaction) return transaction.error();
  const auto created_at = CreatedAt(peer.public_key);
  if (!created_at) return created_at.error();
  if (*created_at && !replace) {
    return Error{ErrorCode::kAlreadyExists, "peer " + peer.public_key.ToBase64() +
                                                " is in the registry already; replace it instead"};
  }
  auto clear = SqliteStatement::Prepare(database_, "DELETE FROM allowed_ip WHERE public_key = ?1");
  if (!clear) return clear.error();
  clear->BindBlob(0, peer.public_key.bytes);
  if (auto cleared = RunToEnd(*clear); !cleared) return cleared;
  if (auto free = RefuseOverlap(peer); !free) return free;
  const std::int64_t updated_at = ToMicroseconds(now);
  if (auto written = WritePeer(peer, created_at->value_or(updated_at), updated_at); !written) {
    return written;
  }
  if (auto written = WriteAllowedIps(peer); !written) return written;
  return transaction->Commit();
}

Result<std::optional<std::int64_t>> SqliteWriter::CreatedAt(const PublicKey& key) {
  auto statement =
      SqliteStatement::Prepare(database_, "SELECT created_at FROM peer WHERE public_key = ?1");
  if (!statement) return statement.error();
  statement->BindBlob(0, key.bytes);
  const auto row = statement->Step();
  if (!row) return row.error();
  if (!*row) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(statement->Number(0));
}

Status SqliteWriter::WritePeer(const Peer& peer, std::int64_t created_at, std::int64_t updated_at) {
  auto statement = SqliteStatement::Prepare(database_, kUpsert);
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
  return RunToEnd(*statement);
}

Status SqliteWriter::WriteAllowedIps(const Peer& peer) {
  auto statement = SqliteStatement::Prepare(database_, kInsertAllowedIp);
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
    if (auto written = RunToEnd(*statement); !written) return written;
  }
  return {};
}

Status SqliteWriter::RefuseOverlap(const Peer& peer) {
  auto statement = SqliteStatement::Prepare(database_, kOverlap);
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

Status SqliteWriter::Remove(const PublicKey& key) {
  auto transaction = SqliteTransaction::BeginWrite(database_);
  if (!transaction) return transaction.error();
  auto statement = SqliteStatement::Prepare(database_, "DELETE FROM peer WHERE public_key = ?1");
  if (!statement) return statement.error();
  statement->BindBlob(0, key.bytes);
  if (auto removed = RunToEnd(*statement); !removed) return removed;
  if (sqlite3_changes(database_.handle()) == 0) {
    return Error{ErrorCode::kNotFound, "peer " + key.ToBase64() + " is not in the registry"};
  }
  return transaction->Commit();
}

Result<std::int64_t> SqliteWriter::NewestChange() {
  return database_.QueryNumber(
      "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0)");
}

}  // namespace jitwg::registry
