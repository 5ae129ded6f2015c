#include "provisioner/peer_cache_file.h"

#include <algorithm>
#include <utility>

namespace jitwg::provisioner {
namespace {

constexpr StateFileKind kKind{
    .what = "cache of peers",
    .application_id = 0x6a777063,  // "jwpc"
    .schema_version = 1,
    .schema =
        "CREATE TABLE IF NOT EXISTS peer ("
        " public_key BLOB PRIMARY KEY CHECK (length(public_key) = 32),"
        " read_at INTEGER NOT NULL, name TEXT NOT NULL, network TEXT NOT NULL,"
        " allowed_ips BLOB NOT NULL, preshared_key BLOB, keepalive INTEGER NOT NULL,"
        " pinned INTEGER NOT NULL, gateway TEXT NOT NULL, enabled INTEGER NOT NULL,"
        " expires_at INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);"
        "CREATE INDEX IF NOT EXISTS peer_read_at ON peer (read_at)"};

#define JITWG_CACHE_COLUMNS                                                             \
  "public_key, read_at, name, network, allowed_ips, preshared_key, keepalive, pinned, " \
  "gateway, enabled, expires_at, created_at, updated_at"

constexpr std::size_t kPrefixSize = 18;  // family, length, 16 bytes of address

std::int64_t ToMicroseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

WallTime FromMicroseconds(std::int64_t microseconds) {
  return WallTime(std::chrono::microseconds(microseconds));
}

std::vector<std::uint8_t> Encode(const std::vector<IpPrefix>& prefixes) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(prefixes.size() * kPrefixSize);
  for (const IpPrefix& prefix : prefixes) {
    bytes.push_back(prefix.address().is_v4() ? 4 : 6);
    bytes.push_back(static_cast<std::uint8_t>(prefix.length()));
    const auto address = prefix.address().bytes();
    bytes.insert(bytes.end(), address.begin(), address.end());
    bytes.resize(bytes.size() + 16 - address.size());
  }
  return bytes;
}

std::optional<std::vector<IpPrefix>> Decode(std::span<const std::uint8_t> bytes) {
  std::vector<IpPrefix> prefixes;
  for (; bytes.size() >= kPrefixSize; bytes = bytes.subspan(kPrefixSize)) {
    const std::size_t size = bytes[0] == 4 ? 4 : 16;
    const auto address = IpAddress::FromBytes(bytes.subspan(2, size));
    if (!address) return std::nullopt;
    const auto prefix = IpPrefix::Make(*address, bytes[1]);
    if (!prefix) return std::nullopt;
    prefixes.push_back(*prefix);
  }
  if (!bytes.empty()) return std::nullopt;
  return prefixes;
}

std::string TextOf(const StateStatement& row, int column) {
  const auto bytes = row.Bytes(column);
  return {bytes.begin(), bytes.end()};
}

// nullopt: the row makes no sense.
std::optional<CachedPeer> ReadRow(const StateStatement& row) {
  CachedPeer cached;
  registry::Peer& peer = cached.peer;
  const auto key = PublicKey::FromBytes(row.Bytes(0));
  auto allowed_ips = Decode(row.Bytes(4));
  if (!key || !allowed_ips) return std::nullopt;
  peer.public_key = *key;
  cached.read_at = FromMicroseconds(row.Number(1));
  peer.name = TextOf(row, 2);
  peer.network = TextOf(row, 3);
  peer.allowed_ips = std::move(*allowed_ips);
  if (!row.IsNull(5)) {
    const auto secret = row.Bytes(5);
    if (secret.size() != kKeySize) return std::nullopt;
    peer.preshared_key.emplace();
    std::copy(secret.begin(), secret.end(), peer.preshared_key->mutable_bytes().begin());
  }
  peer.persistent_keepalive = static_cast<std::uint16_t>(row.Number(6));
  peer.pinned = row.Number(7) != 0;
  peer.gateway = TextOf(row, 8);
  peer.enabled = row.Number(9) != 0;
  if (!row.IsNull(10)) peer.expires_at = FromMicroseconds(row.Number(10));
  peer.created_at = FromMicroseconds(row.Number(11));
  peer.updated_at = FromMicroseconds(row.Number(12));
  if (!registry::Validate(peer)) return std::nullopt;
  return cached;
}

}  // namespace

PeerCacheFile::PeerCacheFile(StateFile file, StateStatement find, StateStatement put,
                             StateStatement remove)
    : file_(std::move(file)),
      find_(std::move(find)),
      put_(std::move(put)),
      remove_(std::move(remove)) {}

Result<PeerCacheFile> PeerCacheFile::Open(const std::string& path) {
  auto file = StateFile::Open(path, kKind);
  if (!file) return file.error();
  auto find = file->Prepare("SELECT " JITWG_CACHE_COLUMNS " FROM peer WHERE public_key = ?1");
  if (!find) return find.error();
  auto put = file->Prepare("INSERT OR REPLACE INTO peer (" JITWG_CACHE_COLUMNS
                           ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
  if (!put) return put.error();
  auto remove = file->Prepare("DELETE FROM peer WHERE public_key = ?1");
  if (!remove) return remove.error();
  return PeerCacheFile(std::move(*file), std::move(*find), std::move(*put), std::move(*remove));
}

Result<std::optional<CachedPeer>> PeerCacheFile::Find(const PublicKey& key) {
  find_.BindBytes(0, key.bytes);
  const int code = find_.Step();
  std::optional<CachedPeer> cached;
  if (code == SQLITE_ROW) cached = ReadRow(find_);
  const Error error = file_.ErrorOf(code);
  find_.Reset();
  if (code != SQLITE_ROW && code != SQLITE_DONE) return error;
  return cached;
}

Result<std::vector<CachedPeer>> PeerCacheFile::List(const registry::ListQuery& query) {
  auto select = file_.Prepare("SELECT " JITWG_CACHE_COLUMNS
                              " FROM peer WHERE (?1 IS NULL OR public_key > ?1)"
                              " AND (?2 = '' OR network = ?2) AND (NOT ?3 OR pinned)"
                              " ORDER BY public_key LIMIT ?4");
  if (!select) return select.error();
  if (query.after) select->BindBytes(0, query.after->bytes);
  select->BindText(1, query.network);
  select->BindNumber(2, query.pinned_only ? 1 : 0);
  select->BindNumber(3, static_cast<std::int64_t>(query.limit));
  std::vector<CachedPeer> page;
  int code = select->Step();
  for (; code == SQLITE_ROW; code = select->Step()) {
    if (auto cached = ReadRow(*select)) page.push_back(std::move(*cached));
  }
  if (code != SQLITE_DONE) return file_.ErrorOf(code);
  return page;
}

Status PeerCacheFile::Write(const CacheChanges& changes, bool clear_first) {
  Status status = file_.Run("BEGIN IMMEDIATE");
  if (!status) return status;
  status = WriteAll(changes, clear_first);
  if (status) status = file_.Run("COMMIT");
  if (!status) static_cast<void>(file_.Run("ROLLBACK"));
  return status;
}

Status PeerCacheFile::WriteAll(const CacheChanges& changes, bool clear_first) {
  if (clear_first) {
    if (Status cleared = file_.Run("DELETE FROM peer"); !cleared) return cleared;
  }
  for (const auto& [key, cached] : changes) {
    if (Status written = cached ? Put(*cached) : Remove(key); !written) return written;
  }
  return {};
}

Status PeerCacheFile::Put(const CachedPeer& cached) {
  const registry::Peer& peer = cached.peer;
  const auto allowed_ips = Encode(peer.allowed_ips);
  put_.BindBytes(0, peer.public_key.bytes);
  put_.BindNumber(1, ToMicroseconds(cached.read_at));
  put_.BindText(2, peer.name);
  put_.BindText(3, peer.network);
  put_.BindBytes(4, allowed_ips);
  if (peer.preshared_key) put_.BindBytes(5, peer.preshared_key->bytes());
  put_.BindNumber(6, peer.persistent_keepalive);
  put_.BindNumber(7, peer.pinned ? 1 : 0);
  put_.BindText(8, peer.gateway);
  put_.BindNumber(9, peer.enabled ? 1 : 0);
  if (peer.expires_at) put_.BindNumber(10, ToMicroseconds(*peer.expires_at));
  put_.BindNumber(11, ToMicroseconds(peer.created_at));
  put_.BindNumber(12, ToMicroseconds(peer.updated_at));
  const int code = put_.Step();
  const Error error = file_.ErrorOf(code);
  put_.Reset();
  if (code != SQLITE_DONE) return error;
  return {};
}

Status PeerCacheFile::Remove(const PublicKey& key) {
  remove_.BindBytes(0, key.bytes);
  const int code = remove_.Step();
  const Error error = file_.ErrorOf(code);
  remove_.Reset();
  if (code != SQLITE_DONE) return error;
  return {};
}

Status PeerCacheFile::Trim(std::size_t max) {
  const auto count = Count();
  if (!count) return count.error();
  if (*count <= max) return {};
  const std::string sql =
      "DELETE FROM peer WHERE public_key IN (SELECT public_key FROM peer ORDER BY read_at LIMIT " +
      std::to_string(*count - max) + ")";
  return file_.Run(sql.c_str());
}

Result<std::size_t> PeerCacheFile::Count() {
  const auto count = file_.Number("SELECT count(*) FROM peer");
  if (!count) return count.error();
  return static_cast<std::size_t>(*count);
}

}  // namespace jitwg::provisioner
