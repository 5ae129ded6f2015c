// The gateway's copy of registry rows as one SQLite file. It holds preshared keys: mode 0600, and
// what is deleted is overwritten. No thread, no policy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/registry/registry.h"
#include "provisioner/state_file.h"

namespace jitwg::provisioner {

struct CachedPeer {
  registry::Peer peer;
  WallTime read_at;  // when the registry said so

  CachedPeer Clone() const { return {peer.Clone(), read_at}; }
};

// nullopt: the peer is to go.
using CacheChanges = std::unordered_map<PublicKey, std::optional<CachedPeer>, PublicKeyHash>;

// Not thread-safe. Every call may fail with kDataLoss: the file is damaged.
class PeerCacheFile {
 public:
  // As StateFile::Open.
  static Result<PeerCacheFile> Open(const std::string& path);

  // A row that makes no sense counts as none.
  Result<std::optional<CachedPeer>> Find(const PublicKey& key);
  // In order of the key, at most query.limit.
  Result<std::vector<CachedPeer>> List(const registry::ListQuery& query);
  // All of it or nothing; with `clear_first` the table is emptied before.
  Status Write(const CacheChanges& changes, bool clear_first);
  // Leaves the `max` that were read last.
  Status Trim(std::size_t max);
  Result<std::size_t> Count();

 private:
  PeerCacheFile(StateFile file, StateStatement find, StateStatement put, StateStatement remove);
  Status WriteAll(const CacheChanges& changes, bool clear_first);
  Status Put(const CachedPeer& cached);
  Status Remove(const PublicKey& key);

  StateFile file_;
  StateStatement find_;
  StateStatement put_;
  StateStatement remove_;
};

}  // namespace jitwg::provisioner
