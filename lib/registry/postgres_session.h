// One connection to PostgreSQL whose statements block, each with a deadline, and the results. One
// thread at a time.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/registry/postgres_connect.h"
#include "lib/registry/postgres_parameters.h"

namespace jitwg::registry {

// Wipes what may be a key, then frees. What libpq keeps in its own buffers cannot be reached; later
// data overwrites it.
struct ClearResult {
  void operator()(PGresult* result) const;
};
using PostgresResult = std::unique_ptr<PGresult, ClearResult>;

class PostgresSession {
 public:
  // Connects (see postgres_connect.h) and makes the session ours: time-outs, search path.
  static Result<PostgresSession> Open(const PostgresSettings& settings, SteadyTime deadline,
                                      int stop_fd = -1);

  // One statement with parameters; the result's columns are binary. When the deadline passes or
  // the connection breaks the session is of no more use: alive() is false.
  Result<PostgresResult> Run(const char* sql, const PostgresParameters& parameters,
                             SteadyTime deadline);
  Result<PostgresResult> Run(const char* sql, SteadyTime deadline) {
    return Run(sql, PostgresParameters(), deadline);
  }
  // Any number of statements without parameters or results.
  Status RunScript(const std::string& sql, SteadyTime deadline);

  // The SQLSTATE of the last statement's error; empty when the connection was lost.
  const std::string& sqlstate() const { return sqlstate_; }
  // Looks whether the server has gone meanwhile. Does not block.
  bool alive();
  void Close() { connection_.reset(); }

  PGconn* handle() { return connection_.get(); }
  int stop_fd() const { return stop_fd_; }
  // From now on nobody waits for a stop.
  void ForgetStop() { stop_fd_ = -1; }

 private:
  PostgresSession(PostgresConnection connection, int stop_fd)
      : connection_(std::move(connection)), stop_fd_(stop_fd) {}
  Result<PostgresResult> Await(SteadyTime deadline);
  Status AwaitOne(SteadyTime deadline);
  Error Lost();

  PostgresConnection connection_;
  int stop_fd_;
  std::string sqlstate_;
};

// BEGIN ... COMMIT on one session; rolls back unless committed.
class PostgresTransaction {
 public:
  static Result<PostgresTransaction> Begin(PostgresSession& session, SteadyTime deadline);
  ~PostgresTransaction();
  PostgresTransaction(PostgresTransaction&& other) noexcept
      : session_(std::exchange(other.session_, nullptr)), deadline_(other.deadline_) {}
  PostgresTransaction& operator=(PostgresTransaction&&) = delete;
  PostgresTransaction(const PostgresTransaction&) = delete;
  PostgresTransaction& operator=(const PostgresTransaction&) = delete;

  Status Commit();

 private:
  PostgresTransaction(PostgresSession& session, SteadyTime deadline)
      : session_(&session), deadline_(deadline) {}

  PostgresSession* session_;
  SteadyTime deadline_;
};

}  // namespace jitwg::registry
