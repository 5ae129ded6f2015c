// Makes connections on a thread of its own, again and again with growing pauses until one stands:
// a resolver or server that hangs must hold up nobody else. Knows nothing of what they are for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "lib/base/result.h"
#include "lib/registry/postgres_event.h"
#include "lib/registry/postgres_session.h"
#include "lib/registry/postgres_settings.h"

namespace jitwg::registry {

struct PostgresBackoff {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds most{3000};
};

class PostgresConnector {
 public:
  // Run on the connector's thread with each new connection; an error throws it away.
  using Prepare = std::function<Status(PostgresSession&, SteadyTime deadline)>;

  // `wake` is called, without a lock, when Take or failure() may have news.
  PostgresConnector(PostgresSettings settings, PostgresBackoff backoff,
                    std::chrono::milliseconds attempt_timeout, Prepare prepare,
                    std::function<void()> wake);
  // Gives an attempt up at once, unless it is inside the resolver.
  ~PostgresConnector();

  // A connection is wanted; the first attempt begins now. No effect while one is being made
  // or waits to be taken.
  void Request();
  // The connection, once it stands.
  std::optional<PostgresSession> Take();
  // Why the last attempt since the request failed; OK while there is none.
  Status failure();

 private:
  void Run();
  // One attempt, then the pause after a failed one. False: the connector ends.
  bool Attempt(std::chrono::milliseconds& pause);
  bool Pause(std::chrono::milliseconds pause);

  const PostgresSettings settings_;
  const PostgresBackoff backoff_;
  const std::chrono::milliseconds attempt_timeout_;
  const Prepare prepare_;
  const std::function<void()> wake_;
  const EventFlag stop_flag_;
  std::minstd_rand random_{std::random_device{}()};  // the thread's alone

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stop_ = false;
  std::optional<PostgresSession> session_;
  Status failure_;

  std::thread thread_;  // last; started by the first Request
};

}  // namespace jitwg::registry
