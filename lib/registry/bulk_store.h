// What a store does for an import: one transaction, in which each peer is tried by itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/registry/registry.h"

namespace jitwg::registry {

// One thread. Rolls back when it dies uncommitted. After an error that is not about the peer alone
// (those are kAlreadyExists and kInvalidArgument) it is of no more use.
class BulkStore {
 public:
  virtual ~BulkStore() = default;

  virtual Result<std::optional<Peer>> Get(const PublicKey& key) = 0;
  // Creates the peer, or replaces `stored`. When it is refused the transaction is as it was before.
  virtual Status Put(const Peer& peer, const Peer* stored, WallTime now) = 0;
  virtual Status Commit() = 0;
};

Result<std::unique_ptr<BulkStore>> OpenSqliteBulk(const std::string& path);
// `connection`: what libpq is given.
Result<std::unique_ptr<BulkStore>> OpenPostgresBulk(const std::string& connection);

}  // namespace jitwg::registry
