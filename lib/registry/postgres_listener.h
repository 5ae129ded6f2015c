// Change notices from one LISTEN connection, and questions to the server that show whether it still
// lives. No thread and no lock of its own: all calls on one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/postgres_session.h"
#include "lib/registry/registry.h"

namespace jitwg::registry {

class PostgresListener {
 public:
  struct Notice {
    Change change;
    std::uint64_t mark = 0;  // not zero: no change, but the mark of this number
  };

  // A quiet connection is asked for a sign of life every `heartbeat`; one that owes an answer for
  // `hang_after` counts as broken.
  PostgresListener(std::chrono::milliseconds heartbeat, std::chrono::milliseconds hang_after)
      : heartbeat_(heartbeat), hang_after_(hang_after) {}

  // Makes a new session ready for Adopt. Blocks.
  static Status Prepare(PostgresSession& session, SteadyTime deadline);

  void Adopt(PostgresSession session, SteadyTime now);
  bool connected() const { return session_.has_value(); }
  int fd() { return PQsocket(session_->handle()); }
  short events() const { return unsent_ ? kReadWrite : kRead; }

  // Sets a mark among the notices, which come in the order in which they were committed: what was
  // committed before this call comes before the mark, what is committed after it was seen, behind.
  std::uint64_t Mark() { return ++mark_; }

  // What a notice says: `own` on this connection's own channel (a mark), else on that of the peers
  // (a key; anything else means that anything may have changed). Whoever may write to the database
  // may have sent it.
  static Notice ReadPayload(bool own, std::string_view payload);

  // The notices that have come. Afterwards connected() may be false.
  std::vector<Notice> Work(bool readable, SteadyTime now);
  SteadyTime NextDue() const;

 private:
  static constexpr short kRead = 1;       // POLLIN
  static constexpr short kReadWrite = 5;  // POLLIN | POLLOUT

  bool Receive(std::vector<Notice>& notices, SteadyTime now);
  bool Send(SteadyTime now);

  const std::chrono::milliseconds heartbeat_;
  const std::chrono::milliseconds hang_after_;
  std::optional<PostgresSession> session_;
  std::uint64_t mark_ = 0;       // the newest that is wanted
  std::uint64_t sent_mark_ = 0;  // the newest that was sent on this connection
  bool asking_ = false;
  bool unsent_ = false;
  SteadyTime asked_at_;
  SteadyTime heard_at_;
};

}  // namespace jitwg::registry
