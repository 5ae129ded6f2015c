// The newest TAI64N accepted from each key that was ever installed, which keeps a captured
// initiation from being used again. Keys of strangers are never put in.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/result.h"
#include "provisioner/replay_store.h"

namespace jitwg::provisioner {

// Thread-safe. Stamps only ever rise, unless a person has one forgotten. A file that turns out to
// be damaged is repaired at once with what is in memory (ReplayStore::Repair says what was lost).
class ReplayMemory {
 public:
  static constexpr std::size_t kMaxCached = 65536;
  static constexpr std::size_t kMaxPending = 256;

  // As ReplayStore::Open.
  static Result<std::unique_ptr<ReplayMemory>> Open(const std::string& directory,
                                                    std::size_t max_cached = kMaxCached);
  // Flushes.
  ~ReplayMemory();

  // nullopt: this key was never accepted.
  Result<std::optional<Tai64n>> Newest(const PublicKey& key);

  // Forgets the key, also on disk, and returns what was known; its next initiation is taken
  // whatever its stamp.
  Result<std::optional<Tai64n>> Forget(const PublicKey& key);

  // On return the stamps are on disk (safe from kill -9, not from a power cut in the same second).
  Status Raise(const std::vector<KeyStamp>& stamps);

  // Takes effect at once and is on disk after the next Flush; for peers that are installed, whose
  // stamps the kernel knows too. At most kMaxPending wait, then it flushes by itself.
  void RaiseSoon(const PublicKey& key, const Tai64n& stamp);

  // Puts on disk what RaiseSoon left. After an error it is kept for the next time.
  Status Flush();

 private:
  using Cache = std::list<KeyStamp>;

  // Fills the cache from the file, if all of it has room there: then a key that the cache does not
  // have was never accepted.
  Status Load();

  ReplayMemory(std::unique_ptr<ReplayStore> store, std::size_t max_cached)
      : store_(std::move(store)), max_cached_(max_cached) {}

  std::optional<Tai64n> Cached(const PublicKey& key);
  void Remember(const PublicKey& key, const Tai64n& stamp);
  Status FlushLocked();
  Result<std::optional<Tai64n>> NewestLocked(const PublicKey& key);
  // Store calls, with a repair and a second try if the file is damaged.
  Result<std::optional<Tai64n>> FindStored(const PublicKey& key);
  Status RaiseStored(const std::vector<KeyStamp>& stamps);
  Status Repair(const Error& why);

  std::mutex mutex_;
  std::unique_ptr<ReplayStore> store_;
  const std::size_t max_cached_;
  Cache cache_;  // most recently used first
  std::unordered_map<PublicKey, Cache::iterator, PublicKeyHash> index_;
  bool complete_ = false;  // the cache has all that the file has
  std::unordered_map<PublicKey, Tai64n, PublicKeyHash> pending_;
};

}  // namespace jitwg::provisioner
