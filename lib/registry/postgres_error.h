// The one place where what PostgreSQL says becomes an Error. Never repeats a value of a row, for a
// row has a secret.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg::registry {

// SQLSTATEs that callers tell apart (PostgreSQL manual, appendix A).
inline constexpr std::string_view kExclusionViolation = "23P01";
inline constexpr std::string_view kForeignKeyViolation = "23503";
inline constexpr std::string_view kUniqueViolation = "23505";
inline constexpr std::string_view kDeadlockDetected = "40P01";
inline constexpr std::string_view kSerializationFailure = "40001";
inline constexpr std::string_view kReadOnly = "25006";
inline constexpr std::string_view kUndefinedTable = "42P01";
inline constexpr std::string_view kUndefinedStatement = "26000";

// Any text as one line of at most a few hundred bytes without control characters.
std::string OneLine(std::string_view text);

ErrorCode CodeOfSqlState(std::string_view sqlstate);

// "registry database: <what the server says>", with the way to mend it where there is a known one.
Error ErrorOfSqlState(std::string_view sqlstate, std::string_view message);

// Of a result that is an error; its SQLSTATE is empty when libpq made it up itself.
std::string SqlStateOf(const PGresult* result);
Error ErrorOfResult(const PGresult* result);

// The server is the wrong one by now, or the session lost what was prepared: connect anew.
bool WantsNewConnection(std::string_view sqlstate);

}  // namespace jitwg::registry
