// Change notices from one LISTEN connection, and questions to the server that show whether it still
// lives. No thread and no lock of its own: all calls on one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/postgres_notice.h"
#include "lib/registry/postgres_session.h"
#include "lib/registry/registry.h"

namespace jitwg::registry {

class PostgresListener {
 public:
  using Notice = PostgresNotice;

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
