// The registry of a single gateway: an SQLite file that several processes may have open at once.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "lib/registry/sqlite_connections.h"

namespace jitwg::registry {

struct SqliteOptions {
  bool create = true;         // make the file when it is not there
  unsigned file_mode = 0600;  // of a file that is made; it holds preshared keys
  std::size_t max_queued = 1024;
  std::chrono::milliseconds busy_timeout{5000};  // how long a write waits for another process's
  std::chrono::milliseconds poll_interval{
      200};  // how often changes of other processes are looked for
};

// Look-ups and change notices run on one thread with its own connection; List, Put and Remove on
// the caller's, one at a time on a second connection. A look-up that a lock holds up ends at its
// deadline.
class SqliteRegistry final : public Registry {
 public:
  // Opens or creates the file. Errors in one line: kNotFound, kPermissionDenied,
  // kFailedPrecondition (another program's database or a newer schema), kDataLoss (not a database),
  // kUnavailable (locked). `clock` outlives it.
  static Result<std::unique_ptr<SqliteRegistry>> Open(const std::string& path, const Clock& clock,
                                                      const SqliteOptions& options = {});
  ~SqliteRegistry() override;

  void Find(const PublicKey& key, std::chrono::milliseconds deadline, FindCallback done) override;
  // From the file, when no look-up waits and nobody has it locked.
  std::optional<Result<std::optional<Peer>>> TryFind(const PublicKey& key) override;
  Result<std::vector<Peer>> List(const ListQuery& query) override;
  Result<std::optional<AddressHolder>> FindHolder(const std::string& network,
                                                  const IpAddress& address) override;
  Status Put(const Peer& peer, bool replace) override;
  Status Remove(const PublicKey& key) override;
  void Subscribe(ChangeCallback on_change) override;
  Status Report(const GatewayReport& report) override;
  Status Health() override;

 private:
  struct Lookup {
    PublicKey key;
    SteadyTime deadline;
    FindCallback done;
  };
  // What the thread found to do, taken under the lock.
  struct Work {
    std::optional<Lookup> lookup;
    bool poll = false;
    bool stop = false;
  };

  SqliteRegistry(const Clock& clock, const SqliteOptions& options,
                 std::unique_ptr<SqliteReader> reader, std::unique_ptr<SqliteWriter> writer);
  void Run();
  Work NextWork();
  void Answer(Lookup& lookup);
  // Looks the key up and notes how the file is.
  Result<std::optional<Peer>> Read(const PublicKey& key, std::chrono::milliseconds patience);
  void Poll();
  void Deliver(const Change& change, std::uint64_t subscription);
  void Record(const Status& status);
  void WakeForPoll();

  const Clock& clock_;
  const SqliteOptions options_;
  SteadyTime next_poll_;  // the thread's alone

  std::atomic<int> readers_waiting_{0};  // for reader_mutex_, on the thread
  std::mutex reader_mutex_;
  const std::unique_ptr<SqliteReader> reader_;  // guarded by reader_mutex_

  std::mutex writer_mutex_;
  const std::unique_ptr<SqliteWriter> writer_;  // guarded by writer_mutex_

  std::mutex mutex_;  // guards all below; never held while calling out or inside SQLite
  std::condition_variable work_;
  std::condition_variable delivered_;
  std::deque<Lookup> lookups_;
  ChangeCallback on_change_;
  std::optional<std::int64_t> seen_;  // the last change told; nullopt: anything may have changed
  Status health_;
  std::uint64_t subscription_ = 0;  // counts calls of Subscribe
  bool delivering_ = false;
  bool poll_now_ = false;
  bool stop_ = false;

  std::thread thread_;  // last: starts when all else is there
};

}  // namespace jitwg::registry
