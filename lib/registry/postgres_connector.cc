#include "lib/registry/postgres_connector.h"

#include <algorithm>
#include <utility>

namespace jitwg::registry {

using std::chrono::milliseconds;

PostgresConnector::PostgresConnector(PostgresSettings settings, PostgresBackoff backoff,
                                     milliseconds attempt_timeout, Prepare prepare,
                                     std::function<void()> wake)
    : settings_(std::move(settings)),
      backoff_(backoff),
      attempt_timeout_(attempt_timeout),
      prepare_(std::move(prepare)),
      wake_(std::move(wake)) {}

PostgresConnector::~PostgresConnector() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_flag_.Raise();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void PostgresConnector::Request() {
  {
    const std::lock_guard lock(mutex_);
    if (wanted_ || session_ || stop_) return;
    wanted_ = true;
    failure_ = {};
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  }
  changed_.notify_all();
}

std::optional<PostgresSession> PostgresConnector::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(session_, std::nullopt);
}

Status PostgresConnector::failure() {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void PostgresConnector::Run() {
  milliseconds pause = backoff_.first;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || wanted_; });
      if (stop_) return;
    }
    if (!Attempt(pause)) return;
  }
}

bool PostgresConnector::Attempt(milliseconds& pause) {
  const auto deadline = std::chrono::steady_clock::now() + attempt_timeout_;
  auto session = PostgresSession::Open(settings_, deadline, stop_flag_.fd());
  Status made = session ? prepare_(*session, deadline) : Status(session.error());
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return false;
    failure_ = made;
    if (made) {
      session->ForgetStop();
      session_ = std::move(*session);
      wanted_ = false;
    }
  }
  wake_();
  if (made) {
    pause = backoff_.first;
    return true;
  }
  session = Error{};  // closed before the pause
  return Pause(std::exchange(pause, std::min(pause * 2, backoff_.most)));
}

// Between half of it and all of it: gateways that lost the database together come back apart.
bool PostgresConnector::Pause(milliseconds pause) {
  std::uniform_int_distribution<std::int64_t> jitter(pause.count() / 2, pause.count());
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, milliseconds(jitter(random_)), [this] { return stop_; });
  return !stop_;
}

}  // namespace jitwg::registry
