#include "lib/registry/postgres_listener.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "lib/registry/postgres_migrations.h"

namespace jitwg::registry {
namespace {

// Of this connection alone.
std::string OwnChannel(PGconn* connection) {
  return "jitwg_own_" + std::to_string(PQbackendPID(connection));
}

}  // namespace

Status PostgresListener::Prepare(PostgresSession& session, SteadyTime deadline) {
  if (auto schema = CheckSchema(session, deadline); !schema) return schema;
  return session.RunScript("LISTEN jitwg_peer; LISTEN " + OwnChannel(session.handle()), deadline);
}

void PostgresListener::Adopt(PostgresSession session, SteadyTime now) {
  session_ = std::move(session);
  asking_ = false;
  unsent_ = false;
  heard_at_ = now;
  sent_mark_ = mark_;
}

std::vector<PostgresListener::Notice> PostgresListener::Work(bool readable, SteadyTime now) {
  std::vector<Notice> notices;
  if (!connected()) return notices;
  bool sound = !readable || Receive(notices, now);
  sound = sound && Send(now);
  const bool hangs = asking_ && now - asked_at_ >= hang_after_;
  if (!sound || hangs) session_.reset();
  return notices;
}

bool PostgresListener::Receive(std::vector<Notice>& notices, SteadyTime now) {
  PGconn* connection = session_->handle();
  if (PQconsumeInput(connection) != 1) return false;
  heard_at_ = now;
  while (asking_ && PQisBusy(connection) == 0) {
    const PostgresResult result(PQgetResult(connection));
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR && result) return false;
    asking_ = result != nullptr;
  }
  // PQisBusy is what makes libpq read notices out of the bytes that came.
  static_cast<void>(PQisBusy(connection));
  for (;;) {
    const std::unique_ptr<PGnotify, void (*)(void*)> notice(PQnotifies(connection), PQfreemem);
    if (!notice) break;
    notices.push_back(
        ReadPostgresNotice(notice->relname == OwnChannel(session_->handle()), notice->extra));
  }
  return PQstatus(connection) == CONNECTION_OK;
}

bool PostgresListener::Send(SteadyTime now) {
  const bool mark = mark_ > sent_mark_;
  if (!asking_ && (mark || now - heard_at_ >= heartbeat_)) {
    // An empty statement is answered too.
    const std::string question =
        mark ? "NOTIFY " + OwnChannel(session_->handle()) + ", '" + std::to_string(mark_) + "'"
             : "";
    if (PQsendQuery(session_->handle(), question.c_str()) != 1) return false;
    sent_mark_ = mark_;
    asking_ = true;
    unsent_ = true;
    asked_at_ = now;
  }
  if (!unsent_) return true;
  const int left = PQflush(session_->handle());
  unsent_ = left > 0;
  return left >= 0;
}

SteadyTime PostgresListener::NextDue() const {
  if (!connected()) return SteadyTime::max();
  return asking_ ? asked_at_ + hang_after_ : heard_at_ + heartbeat_;
}

}  // namespace jitwg::registry
