// An import into a PostgreSQL registry. Tries each peer inside a savepoint of its own.
#include <utility>

#include "lib/registry/bulk_store.h"
#include "lib/registry/postgres_error.h"
#include "lib/registry/postgres_peers.h"
#include "lib/registry/postgres_store.h"

namespace jitwg::registry {
namespace {

// For one peer; a lock that somebody else holds on its network included.
constexpr std::chrono::seconds kStatementTimeout(30);

SteadyTime Deadline() { return std::chrono::steady_clock::now() + kStatementTimeout; }

class PostgresBulk : public BulkStore {
 public:
  explicit PostgresBulk(PostgresSession session) : session_(std::move(session)) {}

  Status Begin() { return session_.RunScript("BEGIN; SAVEPOINT one", Deadline()); }

  Result<std::optional<Peer>> Get(const PublicKey& key) override {
    return SelectPeer(session_, key, true, Deadline());
  }

  Status Put(const Peer& peer, const Peer* stored, WallTime now) override {
    const Status written = Write(peer, stored, now);
    const bool overlaps = !written && session_.sqlstate() == kExclusionViolation;
    Status ended = session_.RunScript(
        written ? "RELEASE SAVEPOINT one; SAVEPOINT one" : "ROLLBACK TO SAVEPOINT one", Deadline());
    if (!ended) return ended;
    return overlaps ? Status(OverlapError(session_, peer, Deadline())) : written;
  }

  // The session's end is the rollback of what was not committed.
  Status Commit() override { return session_.RunScript("COMMIT", Deadline()); }

 private:
  Status Write(const Peer& peer, const Peer* stored, WallTime now) {
    if (stored) {
      const auto updated = UpdatePeer(session_, peer, now, Deadline());
      return updated ? Status() : Status(updated.error());
    }
    const auto inserted = InsertPeer(session_, peer, now, Deadline());
    if (!inserted) return inserted.error();
    if (*inserted) return {};
    return Error{ErrorCode::kAlreadyExists, "peer " + peer.public_key.ToBase64() +
                                                " was put into the registry meanwhile by "
                                                "somebody else; run the import again"};
  }

  PostgresSession session_;
};

}  // namespace

Result<std::unique_ptr<BulkStore>> OpenPostgresBulk(const std::string& connection) {
  const auto settings = PostgresSettings::Parse(connection);
  if (!settings) return settings.error();
  auto session = PostgresSession::Open(*settings, Deadline());
  if (!session) return session.error();
  auto bulk = std::make_unique<PostgresBulk>(std::move(*session));
  if (auto begun = bulk->Begin(); !begun) return begun.error();
  return std::unique_ptr<BulkStore>(std::move(bulk));
}

}  // namespace jitwg::registry
