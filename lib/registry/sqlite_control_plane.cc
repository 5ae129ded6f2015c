#include "lib/registry/sqlite_control_plane.h"

#include <array>
#include <optional>
#include <span>
#include <utility>

#include "lib/registry/sqlite_peers.h"
#include "lib/registry/sqlite_pools.h"
#include "lib/registry/sqlite_rows.h"
#include "lib/registry/sqlite_schema.h"
#include "lib/registry/sqlite_sightings.h"

namespace jitwg::registry {
namespace {

constexpr const char* kSearch =
    "SELECT " JITWG_PEER_COLUMNS
    " FROM (SELECT * FROM peer WHERE public_key > ?1 AND (?2 = '' OR network = ?2)"
    "       AND pinned >= ?3 AND (?4 IS NULL OR enabled = ?4)"
    "       AND (?5 IS NULL OR instr(lower(name), lower(?5)) > 0)"
    "       AND (?6 IS NULL OR gateway = ?6) ORDER BY public_key LIMIT ?7) p"
    " LEFT JOIN allowed_ip a ON a.public_key = p.public_key ORDER BY p.public_key, a.position";

Result<std::optional<Peer>> ReadPeer(SqliteDatabase& database, const PublicKey& key) {
  auto statement = SqliteStatement::Prepare(database, kFindPeer);
  if (!statement) return statement.error();
  statement->BindBlob(0, key.bytes);
  auto peers = ReadPeers(*statement);
  if (!peers) return peers.error();
  if (peers->empty()) return std::optional<Peer>();
  return std::optional<Peer>(std::move(peers->front()));
}

Status Write(SqliteDatabase& database, const Peer& before, const Peer& after, WallTime now) {
  const std::int64_t created_at = ToMicroseconds(before.created_at);
  // Rows that stay need not be written, and nobody looks for free addresses again.
  if (before.allowed_ips == after.allowed_ips) {
    return WriteSettings(database, after, created_at, ToMicroseconds(now));
  }
  return WritePeer(database, after, created_at, ToMicroseconds(now));
}

Result<SqliteDatabase> Connect(const std::string& path, std::chrono::milliseconds busy_timeout) {
  auto database = SqliteDatabase::Open(path);
  if (!database) return database.error();
  auto prepared = PrepareConnection(*database, busy_timeout);
  if (!prepared) return prepared.error();
  return database;
}

}  // namespace

Result<std::unique_ptr<SqliteControlPlane>> SqliteControlPlane::Open(
    const std::string& path, const Clock& clock, std::chrono::milliseconds busy_timeout) {
  if (auto file = EnsureFile(path, true, 0600); !file) return file.error();
  auto writer = Connect(path, busy_timeout);
  if (!writer) return writer.error();
  auto reader = Connect(path, busy_timeout);
  if (!reader) return reader.error();
  if (auto set = reader->Execute("PRAGMA query_only = ON"); !set) return set.error();
  return std::unique_ptr<SqliteControlPlane>(
      new SqliteControlPlane(clock, std::move(*writer), std::move(*reader)));
}

Result<CreatedPeer> SqliteControlPlane::Create(const Peer& wish) {
  if (auto valid = ValidateWish(wish); !valid) return valid.error();
  const std::lock_guard lock(write_mutex_);
  auto transaction = SqliteTransaction::BeginWrite(writer_);
  if (!transaction) return transaction.error();
  auto stored = ReadPeer(writer_, wish.public_key);
  if (!stored) return stored.error();
  if (*stored) {
    const auto unmet = UnmetWishes(wish, **stored);
    if (!unmet.empty()) return OtherSettings(wish.public_key, unmet);
    return CreatedPeer{std::move(**stored), false};
  }
  auto created = CreateNew(wish);
  // Full pools were searched; what was learned is kept, and nothing else was written.
  const bool commit = created || created.error().code == ErrorCode::kResourceExhausted;
  if (commit) {
    if (auto committed = transaction->Commit(); !committed) return committed.error();
  }
  if (!created) return created.error();
  return CreatedPeer{std::move(*created), true};
}

Result<Peer> SqliteControlPlane::CreateNew(const Peer& wish) {
  Peer peer = wish.Clone();
  if (peer.allowed_ips.empty()) {
    auto addresses = AllocateAddresses(writer_, peer.network);
    if (!addresses) return addresses.error();
    peer.allowed_ips = std::move(*addresses);
  }
  const std::int64_t now = ToMicroseconds(clock_.WallNow());
  if (auto written = WritePeer(writer_, peer, now, now); !written) {
    auto error = written.error();
    // Of a disk, not of a pool: nothing of this may be committed.
    if (error.code == ErrorCode::kResourceExhausted) error.code = ErrorCode::kUnavailable;
    return error;
  }
  auto stored = ReadPeer(writer_, peer.public_key);
  if (!stored) return stored.error();
  if (!*stored) return NoSuchPeer(peer.public_key);
  return std::move(**stored);
}

Result<std::optional<Peer>> SqliteControlPlane::Get(const PublicKey& key) {
  const std::lock_guard lock(read_mutex_);
  return ReadPeer(reader_, key);
}

Result<std::vector<Peer>> SqliteControlPlane::Search(const PeerFilter& filter) {
  const ListQuery& query = filter.query;
  if (query.limit < 1 || query.limit > kMaxListLimit) {
    return Error{ErrorCode::kInvalidArgument, "a list's limit is within 1.." +
                                                  std::to_string(kMaxListLimit) + ", not " +
                                                  std::to_string(query.limit)};
  }
  const std::lock_guard lock(read_mutex_);
  auto statement = SqliteStatement::Prepare(reader_, kSearch);
  if (!statement) return statement.error();
  const std::array<std::uint8_t, 1> before_all{};
  statement->BindBlob(0, query.after ? std::span<const std::uint8_t>(query.after->bytes)
                                     : std::span<const std::uint8_t>(before_all).first(0));
  statement->BindText(1, query.network);
  statement->BindNumber(2, query.pinned_only ? 1 : 0);
  if (filter.enabled) statement->BindNumber(3, *filter.enabled ? 1 : 0);
  if (filter.name_contains) statement->BindText(4, *filter.name_contains);
  if (filter.gateway) statement->BindText(5, *filter.gateway);
  statement->BindNumber(6, static_cast<std::int64_t>(query.limit));
  return ReadPeers(*statement);
}

Result<Peer> SqliteControlPlane::Update(const PublicKey& key, const PeerPatch& patch) {
  const std::lock_guard lock(write_mutex_);
  auto transaction = SqliteTransaction::BeginWrite(writer_);
  if (!transaction) return transaction.error();
  auto before = ReadPeer(writer_, key);
  if (!before) return before.error();
  if (!*before) return NoSuchPeer(key);
  auto after = Apply(patch, **before);
  if (!after || SameSettings(**before, *after)) return after;
  auto written = Write(writer_, **before, *after, clock_.WallNow());
  if (!written) return written.error();
  auto stored = ReadPeer(writer_, key);
  if (!stored) return stored.error();
  if (!*stored) return NoSuchPeer(key);
  if (auto committed = transaction->Commit(); !committed) return committed.error();
  return std::move(**stored);
}

Status SqliteControlPlane::Delete(const PublicKey& key) {
  const std::lock_guard lock(write_mutex_);
  auto transaction = SqliteTransaction::BeginWrite(writer_);
  if (!transaction) return transaction.error();
  if (auto deleted = DeletePeer(writer_, key); !deleted) return deleted;
  return transaction->Commit();
}

Status SqliteControlPlane::PutNetwork(const Network& network) {
  if (auto valid = Validate(network); !valid) return valid;
  const std::lock_guard lock(write_mutex_);
  auto transaction = SqliteTransaction::BeginWrite(writer_);
  if (!transaction) return transaction.error();
  if (auto written = WriteNetwork(writer_, network, clock_.WallNow()); !written) return written;
  return transaction->Commit();
}

Result<std::vector<Network>> SqliteControlPlane::ListNetworks() {
  const std::lock_guard lock(read_mutex_);
  const auto snapshot = SqliteTransaction::BeginRead(reader_);
  if (!snapshot) return snapshot.error();
  return ReadNetworks(reader_);
}

Status SqliteControlPlane::DeleteNetwork(const std::string& name) {
  const std::lock_guard lock(write_mutex_);
  auto transaction = SqliteTransaction::BeginWrite(writer_);
  if (!transaction) return transaction.error();
  if (auto erased = EraseNetwork(writer_, name); !erased) return erased;
  return transaction->Commit();
}

Result<std::vector<Gateway>> SqliteControlPlane::ListGateways() {
  const std::lock_guard lock(read_mutex_);
  return ReadGateways(reader_);
}

Result<std::vector<Sighting>> SqliteControlPlane::SightingsOf(const std::vector<PublicKey>& keys) {
  const std::lock_guard lock(read_mutex_);
  return ReadSightings(reader_, keys);
}

Status SqliteControlPlane::Health() {
  const std::lock_guard lock(read_mutex_);
  const auto row = reader_.QueryNumber("SELECT count(*) FROM (SELECT 1 FROM peer LIMIT 1)");
  if (!row) return row.error();
  return {};
}

}  // namespace jitwg::registry
