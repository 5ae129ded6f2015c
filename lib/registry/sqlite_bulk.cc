// An import into an SQLite registry. Tries each peer inside a savepoint of its own.
#include <utility>

#include "lib/registry/bulk_store.h"
#include "lib/registry/sqlite_peers.h"
#include "lib/registry/sqlite_rows.h"
#include "lib/registry/sqlite_schema.h"

namespace jitwg::registry {
namespace {

// How long to wait for a writer that is at work.
constexpr std::chrono::seconds kBusyTimeout(10);

class SqliteBulk : public BulkStore {
 public:
  explicit SqliteBulk(SqliteDatabase database) : database_(std::move(database)) {}

  Status Begin() {
    if (auto prepared = PrepareConnection(database_, kBusyTimeout); !prepared) return prepared;
    auto find = SqliteStatement::Prepare(database_, kFindPeer);
    if (!find) return find.error();
    find_.emplace(std::move(*find));
    auto transaction = SqliteTransaction::BeginWrite(database_);
    if (!transaction) return transaction.error();
    transaction_.emplace(std::move(*transaction));
    return {};
  }

  Result<std::optional<Peer>> Get(const PublicKey& key) override {
    find_->Reset();
    find_->BindBlob(0, key.bytes);
    auto peers = ReadPeers(*find_);
    find_->Reset();
    if (!peers) return peers.error();
    if (peers->empty()) return std::optional<Peer>();
    return std::optional<Peer>(std::move(peers->front()));
  }

  Status Put(const Peer& peer, const Peer* stored, WallTime now) override {
    if (auto begun = database_.Execute("SAVEPOINT one"); !begun) return begun;
    const std::int64_t updated_at = ToMicroseconds(now);
    const std::int64_t created_at = stored ? ToMicroseconds(stored->created_at) : updated_at;
    Status written = WritePeer(database_, peer, created_at, updated_at);
    const Status ended =
        database_.Execute(written ? "RELEASE one" : "ROLLBACK TO one; RELEASE one");
    return ended ? written : ended;
  }

  Status Commit() override { return transaction_->Commit(); }

 private:
  SqliteDatabase database_;
  // Behind it: they end before it closes.
  std::optional<SqliteStatement> find_;
  std::optional<SqliteTransaction> transaction_;
};

}  // namespace

Result<std::unique_ptr<BulkStore>> OpenSqliteBulk(const std::string& path) {
  auto database = SqliteDatabase::Open(path);
  if (!database) return database.error();
  auto bulk = std::make_unique<SqliteBulk>(std::move(*database));
  if (auto begun = bulk->Begin(); !begun) return begun.error();
  return std::unique_ptr<BulkStore>(std::move(bulk));
}

}  // namespace jitwg::registry
