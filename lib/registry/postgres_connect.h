// Makes one connection to PostgreSQL within a time, host by host as the connection string lists
// them. No query, no retry.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/registry/postgres_settings.h"

namespace jitwg::registry {

struct FinishConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using PostgresConnection = std::unique_ptr<PGconn, FinishConnection>;

// Blocks. Every host has connect_timeout (of the string, or 3 s), all of them together until
// `deadline`; ends early when `stop_fd` (or -1) becomes readable. Only the resolver of host names
// is beyond these bounds: call it where that may wait. The connection is non-blocking.
// kUnavailable, kDeadlineExceeded; the message has no password.
Result<PostgresConnection> Connect(const PostgresSettings& settings, SteadyTime deadline,
                                   int stop_fd);

// Waits until `fd` has one of the poll(2) `events`. False: the deadline passed, or `stop_fd` is
// readable.
bool AwaitSocket(int fd, short events, SteadyTime deadline, int stop_fd);

}  // namespace jitwg::registry
