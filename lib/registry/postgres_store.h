// What of the PostgreSQL registry blocks: lists, changes and reports, one at a time on a connection
// that is made when it is first needed and again when it broke.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/postgres_session.h"
#include "lib/registry/registry.h"
#include "lib/registry/sightings.h"

namespace jitwg::registry {

// Thread-safe. A call takes at most `call_timeout`, waiting for other calls included.
class PostgresStore {
 public:
  PostgresStore(PostgresSettings settings, std::chrono::milliseconds call_timeout)
      : settings_(std::move(settings)), call_timeout_(call_timeout) {}

  // Runs `work` on the connection. kAborted (a deadlock, a lost race) is tried again.
  template <class T>
  Result<T> With(const std::function<Result<T>(PostgresSession&, SteadyTime deadline)>& work) {
    const SteadyTime deadline = std::chrono::steady_clock::now() + call_timeout_;
    if (auto taken = Take(deadline); !taken) return taken.error();
    Result<T> result = Retry(work, deadline);
    GiveBack();
    return result;
  }

  // As Registry says; the arguments are valid already.
  Result<std::vector<Peer>> List(const ListQuery& query);
  Status Put(const Peer& peer, bool replace, WallTime now);
  Result<std::optional<AddressHolder>> FindHolder(const std::string& network,
                                                  const IpAddress& address);
  Status Remove(const PublicKey& key);
  Status Report(const GatewayReport& report, WallTime now);

 private:
  template <class T>
  Result<T> Retry(const std::function<Result<T>(PostgresSession&, SteadyTime deadline)>& work,
                  SteadyTime deadline) {
    for (int attempt = 0;; ++attempt) {
      if (auto ready = Ready(deadline); !ready) return ready.error();
      Result<T> result = work(*session_, deadline);
      if (result || result.error().code != ErrorCode::kAborted || attempt == 3) return result;
    }
  }
  // The connection for one caller at a time.
  Status Take(SteadyTime deadline);
  void GiveBack();
  Status Ready(SteadyTime deadline);

  const PostgresSettings settings_;
  const std::chrono::milliseconds call_timeout_;
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;                      // guarded by mutex_
  std::optional<PostgresSession> session_;  // whoever has taken it
};

// "allowed IP P overlaps one of peer K (name) in network N": which one it was that `peer` could not
// be written for. Outside a failed transaction.
Error OverlapError(PostgresSession& session, const Peer& peer, SteadyTime deadline);

}  // namespace jitwg::registry
