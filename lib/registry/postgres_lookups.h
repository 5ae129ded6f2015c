// Look-ups on one connection in pipeline mode: which wait, which are under way, which have had
// their time. No thread and no lock of its own: all calls on one thread, which also runs the
// callbacks.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

#include "lib/base/clock.h"
#include "lib/registry/postgres_session.h"
#include "lib/registry/registry.h"

namespace jitwg::registry {

class PostgresLookups {
 public:
  struct Lookup {
    PublicKey key;
    SteadyTime deadline;
    Registry::FindCallback done;  // empty: answered already
  };

  // At most `max_in_flight` are with the server. A connection that has work and brings nothing for
  // `hang_after` counts as broken.
  PostgresLookups(std::size_t max_in_flight, std::chrono::milliseconds hang_after)
      : max_in_flight_(max_in_flight), hang_after_(hang_after) {}

  // Makes a new session ready for Adopt: the statement is prepared, the pipeline open. Blocks.
  static Status Prepare(PostgresSession& session, SteadyTime deadline);

  void Adopt(PostgresSession session);
  bool connected() const { return session_.has_value(); }
  // For poll(2).
  int fd() { return PQsocket(session_->handle()); }
  short events() const { return unsent_ ? kReadWrite : kRead; }

  void Add(Lookup lookup);
  bool empty() const { return waiting_.empty() && in_flight_.empty(); }
  // Look-ups without an answer yet.
  std::size_t unanswered() const { return unanswered_; }

  // Sends what waits. Receives what has come (when `readable`). Call it after poll(2).
  void Work(bool readable, SteadyTime now);
  // Answers those whose time is over with kDeadlineExceeded.
  void Expire(SteadyTime now);
  // When Expire, or the check for a hanging connection, is next due.
  SteadyTime NextDue() const;
  // Answers all with `error`.
  void FailAll(const Error& error);

  // The outcome of the newest look-up as far as it concerns them all; OK at first.
  const Status& health() const { return health_; }

 private:
  struct Sent {
    Lookup lookup;
    bool ends_batch = false;  // a synchronisation point follows
  };
  static constexpr short kRead = 1;       // POLLIN
  static constexpr short kReadWrite = 5;  // POLLIN | POLLOUT

  bool Send(SteadyTime now);
  bool Flush();
  bool Receive(SteadyTime now);
  void Take(PostgresResult result);
  void TakeError(Sent sent, const PGresult* result);
  void Answer(Lookup& lookup, Result<std::optional<Peer>> found);
  // The connection is of no more use. What was under way waits for the next one.
  void Drop();

  const std::size_t max_in_flight_;
  const std::chrono::milliseconds hang_after_;
  std::optional<PostgresSession> session_;
  std::deque<Lookup> waiting_;
  std::deque<Sent> in_flight_;
  std::size_t unanswered_ = 0;
  std::size_t awaited_syncs_ = 0;
  bool unsent_ = false;
  bool lost_statement_ = false;
  SteadyTime last_progress_;
  SteadyTime next_expiry_ = SteadyTime::max();  // not later than the earliest deadline
  Status health_;
};

}  // namespace jitwg::registry
