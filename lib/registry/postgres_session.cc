#include "lib/registry/postgres_session.h"

#include <poll.h>
#include <sodium/utils.h>

#include "lib/registry/postgres_error.h"

namespace jitwg::registry {
namespace {

constexpr Oid kByteaType = 17;

// statement_timeout ends what the server still does after we have given up.
constexpr const char* kMakeOurs =
    "SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s';"
    "SET search_path = pg_catalog, pg_temp; SET client_min_messages = warning;"
    "SET standard_conforming_strings = on";

bool IsError(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY;
}

}  // namespace

void ClearResult::operator()(PGresult* result) const {
  const int rows = PQntuples(result);
  for (int column = 0; rows > 0 && column < PQnfields(result); ++column) {
    if (PQftype(result, column) != kByteaType) continue;
    for (int row = 0; row < rows; ++row) {
      sodium_memzero(PQgetvalue(result, row, column),
                     static_cast<std::size_t>(PQgetlength(result, row, column)));
    }
  }
  PQclear(result);
}

Result<PostgresSession> PostgresSession::Open(const PostgresSettings& settings, SteadyTime deadline,
                                              int stop_fd) {
  auto connection = Connect(settings, deadline, stop_fd);
  if (!connection) return connection.error();
  PostgresSession session(std::move(*connection), stop_fd);
  if (auto made = session.RunScript(kMakeOurs, deadline); !made) return made.error();
  return session;
}

bool PostgresSession::alive() {
  if (!connection_) return false;
  pollfd socket{PQsocket(handle()), POLLIN, 0};
  if (::poll(&socket, 1, 0) > 0 && PQconsumeInput(handle()) == 0) Close();
  return connection_ && PQstatus(handle()) == CONNECTION_OK;
}

Error PostgresSession::Lost() {
  sqlstate_.clear();
  Close();
  return Error{ErrorCode::kUnavailable,
               "registry database: the connection was lost; whether the change was made is "
               "unknown, look before trying again"};
}

Result<PostgresResult> PostgresSession::Run(const char* sql, const PostgresParameters& parameters,
                                            SteadyTime deadline) {
  if (!connection_) return Lost();
  const auto values = parameters.Values();
  const auto lengths = parameters.Lengths();
  if (PQsendQueryParams(handle(), sql, parameters.count(), nullptr, values.data(), lengths.data(),
                        parameters.formats().data(), 1) == 0) {
    return Lost();
  }
  return Await(deadline);
}

Status PostgresSession::RunScript(const std::string& sql, SteadyTime deadline) {
  if (!connection_ || PQsendQuery(handle(), sql.c_str()) == 0) return Lost();
  const auto result = Await(deadline);
  if (!result) return result.error();
  return {};
}

// Until PQgetResult will not block.
Status PostgresSession::AwaitOne(SteadyTime deadline) {
  for (;;) {
    const int unsent = PQflush(handle());
    if (unsent < 0) return Lost();
    if (unsent == 0 && PQisBusy(handle()) == 0) return {};
    const short events = unsent > 0 ? POLLIN | POLLOUT : POLLIN;
    if (!AwaitSocket(PQsocket(handle()), events, deadline, stop_fd_)) {
      sqlstate_.clear();
      Close();
      return Error{ErrorCode::kDeadlineExceeded,
                   "registry database: no answer in time; whether a change was made is unknown"};
    }
    if (PQconsumeInput(handle()) == 0) return Lost();
  }
}

Result<PostgresResult> PostgresSession::Await(SteadyTime deadline) {
  PostgresResult kept;
  for (;;) {
    if (auto ready = AwaitOne(deadline); !ready) return ready.error();
    PostgresResult next(PQgetResult(handle()));
    if (!next) break;
    // The first error counts: what follows it only repeats it.
    if (!kept || !IsError(kept.get())) kept = std::move(next);
  }
  if (!kept) return Lost();
  sqlstate_ = SqlStateOf(kept.get());
  if (!IsError(kept.get())) return kept;
  if (sqlstate_.empty()) return Lost();
  Error error = ErrorOfResult(kept.get());
  if (WantsNewConnection(sqlstate_) || PQstatus(handle()) != CONNECTION_OK) Close();
  return error;
}

Result<PostgresTransaction> PostgresTransaction::Begin(PostgresSession& session,
                                                       SteadyTime deadline) {
  if (auto begun = session.RunScript("BEGIN", deadline); !begun) return begun.error();
  return PostgresTransaction(session, deadline);
}

PostgresTransaction::~PostgresTransaction() {
  if (session_ == nullptr || session_->handle() == nullptr) return;
  // A session that cannot even roll back is closed, which rolls back too.
  if (!session_->RunScript("ROLLBACK", deadline_)) session_->Close();
}

Status PostgresTransaction::Commit() {
  PostgresSession* session = std::exchange(session_, nullptr);
  return session->RunScript("COMMIT", deadline_);
}

}  // namespace jitwg::registry
