#include "lib/registry/postgres_lookups.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "lib/registry/postgres_error.h"
#include "lib/registry/postgres_migrations.h"
#include "lib/registry/postgres_rows.h"

namespace jitwg::registry {
namespace {

constexpr const char* kStatement = "jitwg_find";
constexpr const char* kFind =
    "SELECT " JITWG_POSTGRES_PEER_COLUMNS " FROM jitwg.peer p WHERE p.public_key = $1::bytea";

}  // namespace

Status PostgresLookups::Prepare(PostgresSession& session, SteadyTime deadline) {
  if (auto schema = CheckSchema(session, deadline); !schema) return schema;
  const std::string prepare = std::string("PREPARE ") + kStatement + " (bytea) AS " + kFind;
  if (auto prepared = session.RunScript(prepare, deadline); !prepared) return prepared;
  // PREPARE asks for no right; one look-up does.
  PostgresParameters nobody;
  nobody.Bytes(PublicKey().bytes);
  if (const auto found = session.Run(kFind, nobody, deadline); !found) return found.error();
  if (PQenterPipelineMode(session.handle()) != 1) {
    return Error{ErrorCode::kInternal, "registry database: pipeline mode cannot be entered"};
  }
  return {};
}

void PostgresLookups::Adopt(PostgresSession session) {
  session_ = std::move(session);
  awaited_syncs_ = 0;
  unsent_ = false;
  lost_statement_ = false;
  health_ = {};
}

void PostgresLookups::Add(Lookup lookup) {
  next_expiry_ = std::min(next_expiry_, lookup.deadline);
  waiting_.push_back(std::move(lookup));
  ++unanswered_;
}

void PostgresLookups::Work(bool readable, SteadyTime now) {
  if (!connected()) return;
  bool sound = !readable || Receive(now);
  sound = sound && Send(now) && Flush();
  const bool busy = !in_flight_.empty() || awaited_syncs_ > 0;
  const bool hangs = busy && now - last_progress_ >= hang_after_;
  if (!sound || hangs || lost_statement_) Drop();
}

bool PostgresLookups::Send(SteadyTime now) {
  static constexpr int kLength = static_cast<int>(kKeySize);
  static constexpr int kBinary = 1;
  bool sent = false;
  while (!waiting_.empty() && in_flight_.size() < max_in_flight_) {
    Lookup& next = waiting_.front();
    if (next.done && next.deadline > now) {
      if (in_flight_.empty() && awaited_syncs_ == 0) last_progress_ = now;
      const char* value = reinterpret_cast<const char*>(next.key.bytes.data());
      if (PQsendQueryPrepared(session_->handle(), kStatement, 1, &value, &kLength, &kBinary,
                              kBinary) != 1) {
        return false;
      }
      in_flight_.push_back({std::move(next), false});
      sent = true;
    } else if (next.done) {
      Answer(next, Error{ErrorCode::kDeadlineExceeded, "the registry look-up waited too long"});
    }
    waiting_.pop_front();
  }
  if (!sent) return true;
  // One for all that were sent together: each costs the server a transaction's end.
  in_flight_.back().ends_batch = true;
  ++awaited_syncs_;
  unsent_ = true;
  return PQpipelineSync(session_->handle()) == 1;
}

bool PostgresLookups::Flush() {
  if (!unsent_) return true;
  const int left = PQflush(session_->handle());
  unsent_ = left > 0;
  return left >= 0;
}

bool PostgresLookups::Receive(SteadyTime now) {
  if (PQconsumeInput(session_->handle()) != 1) return false;
  while ((!in_flight_.empty() || awaited_syncs_ > 0) && PQisBusy(session_->handle()) == 0) {
    PostgresResult result(PQgetResult(session_->handle()));
    if (!result) continue;  // between the results of two statements
    last_progress_ = now;
    if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
      if (awaited_syncs_ > 0) --awaited_syncs_;
      continue;
    }
    if (in_flight_.empty()) return false;
    Take(std::move(result));
    if (PQstatus(session_->handle()) != CONNECTION_OK) return false;
  }
  return PQstatus(session_->handle()) == CONNECTION_OK;
}

void PostgresLookups::Take(PostgresResult result) {
  Sent sent = std::move(in_flight_.front());
  in_flight_.pop_front();
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    TakeError(std::move(sent), result.get());
    return;
  }
  health_ = {};
  if (!sent.lookup.done) return;
  if (PQntuples(result.get()) == 0) {
    Answer(sent.lookup, std::optional<Peer>());
    return;
  }
  // A row that makes no sense says nothing about the others.
  auto peer = ReadPeer(result.get(), 0);
  if (!peer) {
    Answer(sent.lookup, peer.error());
  } else {
    Answer(sent.lookup, std::optional<Peer>(std::move(*peer)));
  }
}

// An error takes along what was sent in the same batch behind it; that is sent again, as is what a
// server that shuts down did not answer any more.
void PostgresLookups::TakeError(Sent sent, const PGresult* result) {
  const bool aborted = PQresultStatus(result) == PGRES_PIPELINE_ABORTED;
  const std::string sqlstate = SqlStateOf(result);
  const bool again = aborted || WantsNewConnection(sqlstate);
  if (again && !aborted) lost_statement_ = true;
  if (again) {
    if (sent.lookup.done) waiting_.push_back(std::move(sent.lookup));
    return;
  }
  const Error error = ErrorOfResult(result);
  health_ = error;
  if (sent.lookup.done) Answer(sent.lookup, error);
}

void PostgresLookups::Answer(Lookup& lookup, Result<std::optional<Peer>> found) {
  --unanswered_;
  std::exchange(lookup.done, nullptr)(std::move(found));
}

void PostgresLookups::Expire(SteadyTime now) {
  if (now < next_expiry_) return;
  next_expiry_ = SteadyTime::max();
  const auto look_at = [&](Lookup& lookup) {
    if (!lookup.done) return;
    if (lookup.deadline > now) {
      next_expiry_ = std::min(next_expiry_, lookup.deadline);
      return;
    }
    Answer(lookup,
           Error{ErrorCode::kDeadlineExceeded, "the registry database did not answer in time"});
  };
  for (Sent& sent : in_flight_) look_at(sent.lookup);
  for (Lookup& lookup : waiting_) look_at(lookup);
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                [](const Lookup& lookup) { return !lookup.done; }),
                 waiting_.end());
}

SteadyTime PostgresLookups::NextDue() const {
  const bool busy = connected() && (!in_flight_.empty() || awaited_syncs_ > 0);
  return busy ? std::min(next_expiry_, last_progress_ + hang_after_) : next_expiry_;
}

void PostgresLookups::FailAll(const Error& error) {
  for (Sent& sent : in_flight_) {
    if (sent.lookup.done) Answer(sent.lookup, error);
  }
  in_flight_.clear();
  for (Lookup& lookup : waiting_) {
    if (lookup.done) Answer(lookup, error);
  }
  waiting_.clear();
  next_expiry_ = SteadyTime::max();
}

void PostgresLookups::Drop() {
  session_.reset();
  for (auto sent = in_flight_.rbegin(); sent != in_flight_.rend(); ++sent) {
    if (sent->lookup.done) waiting_.push_front(std::move(sent->lookup));
  }
  in_flight_.clear();
  awaited_syncs_ = 0;
  unsent_ = false;
}

}  // namespace jitwg::registry
