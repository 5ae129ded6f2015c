// What the registry said of peers, kept for the time when it is away: in memory at once, in a file
// soon after. A file that fails costs durability, never an answer. Decides nothing about age.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/result.h"
#include "provisioner/peer_cache_file.h"

namespace jitwg::provisioner {

struct PeerCacheLimits {
  std::size_t max_entries = 200'000;   // in the file; those read longest ago go
  std::size_t max_unwritten = 65'536;  // in memory, while the file fails; the oldest go
  std::chrono::milliseconds retry_delay = std::chrono::seconds(5);
};

// Thread-safe. Calls wait for the disk only to read.
class PeerCacheStore {
 public:
  // Uses "<directory>/cache.db". A damaged file, now or later, is set aside as "cache.db.damaged"
  // and a new one begun, which is logged; so is a file that cannot be used, which is tried again.
  explicit PeerCacheStore(const std::string& directory, const PeerCacheLimits& limits = {});
  // Writes what is left.
  ~PeerCacheStore();

  void Put(CachedPeer cached);
  // On return nobody finds it any more; it leaves the file within milliseconds, or as soon as that
  // can be written.
  void Remove(const PublicKey& key);
  std::optional<CachedPeer> Find(const PublicKey& key);
  // As PeerCacheFile::List; what could not be written yet may be missing.
  std::vector<CachedPeer> List(const registry::ListQuery& query);

  // Returns when what was put or removed before is in the file; false: it cannot be written now.
  bool Flush();

  // Entries in the file.
  std::size_t size();
  std::uint64_t write_failures() const { return write_failures_.load(); }

 private:
  void Run();
  // Waits for something to do; false: the end.
  bool TakeBatch(std::unique_lock<std::mutex>& lock, std::uint64_t& stale);
  void WriteBatch(std::uint64_t stale);
  Status WriteToFile(bool clear_first);
  void PutBack();
  void KeepBounded();
  // With disk_mutex_ held.
  Status OpenFile();
  void HandleFailure(const Error& error);

  const std::string path_;
  const PeerCacheLimits limits_;
  std::atomic<std::uint64_t> write_failures_{0};

  std::mutex disk_mutex_;  // taken before mutex_, never after it
  std::optional<PeerCacheFile> file_;
  bool failing_ = false;
  std::size_t since_trim_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  CacheChanges changes_;         // not in the file yet
  CacheChanges writing_;         // just going there
  std::deque<PublicKey> order_;  // of changes_, oldest first
  std::size_t removals_ = 0;     // in changes_
  // More was removed than memory holds, so often: the file counts for nothing until it was emptied.
  std::uint64_t file_is_stale_ = 0;
  bool last_write_failed_ = false;
  std::uint64_t rounds_ = 0;  // batches ended
  std::size_t flushing_ = 0;  // callers of Flush that wait
  bool stop_ = false;
  std::thread writer_;  // last: starts when all else is there
};

}  // namespace jitwg::provisioner
