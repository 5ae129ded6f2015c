#include "lib/registry/sqlite_connections.h"

#include <algorithm>
#include <utility>

#include "lib/registry/sqlite_holders.h"
#include "lib/registry/sqlite_peers.h"
#include "lib/registry/sqlite_rows.h"
#include "lib/registry/sqlite_schema.h"
#include "lib/registry/sqlite_sightings.h"

namespace jitwg::registry {
namespace {

constexpr const char* kListPage =
    "SELECT " JITWG_PEER_COLUMNS
    " FROM (SELECT * FROM peer WHERE public_key > ?1 AND (?2 = '' OR network = ?2)"
    "       AND pinned >= ?3 ORDER BY public_key LIMIT ?4) p"
    " LEFT JOIN allowed_ip a ON a.public_key = p.public_key ORDER BY p.public_key, a.position";
constexpr std::int64_t kChangesAtOnce = 256;
constexpr std::chrono::milliseconds kPollPatience(100);

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
  auto find = SqliteStatement::Prepare(*database, kFindPeer);
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
  auto statement = SqliteStatement::Prepare(database_, kListPage);
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

Result<std::optional<AddressHolder>> SqliteWriter::FindHolder(const std::string& network,
                                                              const IpAddress& address) {
  return ReadHolder(database_, network, address);
}

Status SqliteWriter::Put(const Peer& peer, bool replace, WallTime now) {
  auto transaction = SqliteTransaction::BeginWrite(database_);
  if (!transaction) return transaction.error();
  const auto created_at = CreatedAt(database_, peer.public_key);
  if (!created_at) return created_at.error();
  if (*created_at && !replace) {
    return Error{ErrorCode::kAlreadyExists, "peer " + peer.public_key.ToBase64() +
                                                " is in the registry already; replace it instead"};
  }
  const std::int64_t updated_at = ToMicroseconds(now);
  auto written = WritePeer(database_, peer, created_at->value_or(updated_at), updated_at);
  if (!written) return written;
  return transaction->Commit();
}

Status SqliteWriter::Remove(const PublicKey& key) {
  auto transaction = SqliteTransaction::BeginWrite(database_);
  if (!transaction) return transaction.error();
  if (auto removed = DeletePeer(database_, key); !removed) return removed;
  return transaction->Commit();
}

Status SqliteWriter::Report(const GatewayReport& report, WallTime now) {
  auto transaction = SqliteTransaction::BeginWrite(database_);
  if (!transaction) return transaction.error();
  if (auto written = WriteReport(database_, report, now); !written) return written;
  return transaction->Commit();
}

Result<std::int64_t> SqliteWriter::NewestChange() {
  return database_.QueryNumber(
      "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0)");
}

}  // namespace jitwg::registry
