#include "lib/registry/bulk.h"

#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include "lib/registry/bulk_store.h"
#include "lib/registry/control_plane.h"
#include "lib/registry/factory.h"

namespace jitwg::registry {
namespace {

// Often enough for a progress bar, seldom enough to cost nothing.
constexpr std::size_t kBetweenReports = 256;

Result<std::unique_ptr<BulkStore>> OpenStore(const std::string& address) {
  const auto parsed = ParseRegistryAddress(address);
  if (!parsed) return parsed.error();
  if (parsed->kind == "sqlite") return OpenSqliteBulk(parsed->rest);
  if (parsed->kind == "postgres") return OpenPostgresBulk(parsed->rest);
  return Error{ErrorCode::kFailedPrecondition,
               "an import needs the store itself, sqlite: or postgresql://, not a peer API in "
               "front of it"};
}

bool ConcernsThePeer(const Error& error) {
  return error.code == ErrorCode::kAlreadyExists || error.code == ErrorCode::kInvalidArgument;
}

class Import {
 public:
  Import(BulkStore& store, const BulkOptions& options, WallTime now)
      : store_(store), options_(options), now_(now) {}

  // An error ends the import, unless it is about this peer alone.
  Status Take(std::size_t index, const Peer& peer) {
    Status taken = TryOne(peer);
    if (taken || !ConcernsThePeer(taken.error())) return taken;
    outcome_.refused.push_back({index, std::move(taken.error())});
    return {};
  }

  Result<BulkOutcome> Finish() {
    const bool refused = !outcome_.refused.empty() && !options_.skip_bad;
    if (!refused && !options_.dry_run) {
      if (auto committed = store_.Commit(); !committed) return committed.error();
      outcome_.stored = true;
    }
    return std::move(outcome_);
  }

 private:
  Status TryOne(const Peer& peer) {
    if (auto valid = Validate(peer); !valid) return valid;
    if (!seen_.insert(peer.public_key).second) {
      return Error{ErrorCode::kInvalidArgument,
                   "the key " + peer.public_key.ToBase64() + " comes twice"};
    }
    auto stored = store_.Get(peer.public_key);
    if (!stored) return stored.error();
    if (*stored && SameSettings(**stored, peer)) {
      ++outcome_.unchanged;
      return {};
    }
    if (*stored && !options_.replace) {
      return OtherSettings(peer.public_key, UnmetWishes(peer, **stored));
    }
    if (auto put = store_.Put(peer, *stored ? &**stored : nullptr, now_); !put) return put;
    ++(*stored ? outcome_.replaced : outcome_.created);
    return {};
  }

  BulkStore& store_;
  const BulkOptions options_;
  const WallTime now_;
  std::unordered_set<PublicKey, PublicKeyHash> seen_;
  BulkOutcome outcome_;
};

}  // namespace

Result<BulkOutcome> PutAll(const std::string& address, const std::vector<Peer>& peers,
                           const BulkOptions& options, const Clock& clock,
                           const BulkProgress& progress) {
  auto store = OpenStore(address);
  if (!store) return store.error();
  Import import(**store, options, clock.WallNow());
  for (std::size_t index = 0; index < peers.size(); ++index) {
    if (index % kBetweenReports == 0) progress(index);
    if (auto taken = import.Take(index, peers[index]); !taken) return taken.error();
  }
  progress(peers.size());
  return import.Finish();
}

}  // namespace jitwg::registry
