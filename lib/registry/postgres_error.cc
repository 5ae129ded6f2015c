#include "lib/registry/postgres_error.h"

#include <algorithm>
#include <array>

namespace jitwg::registry {
namespace {

struct Meaning {
  std::string_view sqlstate;  // all five characters, or the two of a class
  ErrorCode code;
  std::string_view advice;
};

// The first that fits counts.
constexpr std::array<Meaning, 30> kMeanings = {{
    {"08", ErrorCode::kUnavailable, ""},
    {"57014", ErrorCode::kDeadlineExceeded, ""},
    {"57P", ErrorCode::kUnavailable, ""},
    {"53300", ErrorCode::kUnavailable, ""},
    {"53", ErrorCode::kResourceExhausted, ""},
    {"55P03", ErrorCode::kDeadlineExceeded, ""},
    {"40", ErrorCode::kAborted, "try again"},
    {"42501", ErrorCode::kPermissionDenied,
     "grant this user the role jitwg_gateway (look-ups) or jitwg_api (changes)"},
    {"28", ErrorCode::kPermissionDenied, ""},
    {"42P01", ErrorCode::kFailedPrecondition, "run jitwgctl db migrate"},
    {"3F000", ErrorCode::kFailedPrecondition, "run jitwgctl db migrate"},
    {"42703", ErrorCode::kFailedPrecondition, "run jitwgctl db status"},
    {"42883", ErrorCode::kFailedPrecondition, "run jitwgctl db status"},
    {"3D000", ErrorCode::kFailedPrecondition, "create the database first"},
    {"25006", ErrorCode::kFailedPrecondition,
     "this server is a read-only replica: connect to the primary, or name all servers and add "
     "target_session_attrs=read-write"},
    {"25", ErrorCode::kInternal, ""},
    {"23505", ErrorCode::kAlreadyExists, ""},
    {"23P01", ErrorCode::kAlreadyExists, ""},
    {"23514", ErrorCode::kInvalidArgument, ""},
    {"23502", ErrorCode::kInvalidArgument, ""},
    {"23503", ErrorCode::kFailedPrecondition, ""},
    {"22", ErrorCode::kInvalidArgument, ""},
    {"0A", ErrorCode::kFailedPrecondition, ""},
    {"54", ErrorCode::kResourceExhausted, ""},
    {"58", ErrorCode::kUnavailable, ""},
    {"JW001", ErrorCode::kNotFound, ""},  // of our own functions; see the migrations
    {"JW002", ErrorCode::kFailedPrecondition, ""},
    {"JW003", ErrorCode::kResourceExhausted, ""},
    {"XX001", ErrorCode::kDataLoss, ""},
    {"XX002", ErrorCode::kDataLoss, ""},
}};

const Meaning* MeaningOf(std::string_view sqlstate) {
  const auto* found = std::find_if(kMeanings.begin(), kMeanings.end(), [&](const Meaning& m) {
    return sqlstate.substr(0, m.sqlstate.size()) == m.sqlstate;
  });
  return found == kMeanings.end() ? nullptr : found;
}

}  // namespace

std::string OneLine(std::string_view text) {
  constexpr std::size_t kMost = 400;
  std::string line;
  for (const char c : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = byte < ' ' || byte == 0x7f;
    if (control && c != '\n' && c != '\t') continue;
    if (!control) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

ErrorCode CodeOfSqlState(std::string_view sqlstate) {
  // libpq's own errors have no SQLSTATE: the connection is gone.
  if (sqlstate.empty()) return ErrorCode::kUnavailable;
  const Meaning* meaning = MeaningOf(sqlstate);
  return meaning == nullptr ? ErrorCode::kInternal : meaning->code;
}

Error ErrorOfSqlState(std::string_view sqlstate, std::string_view message) {
  const bool ours = sqlstate.substr(0, 2) == "JW";
  std::string line = (ours ? "" : "registry database: ") + OneLine(message);
  const Meaning* meaning = MeaningOf(sqlstate);
  if (meaning != nullptr && !meaning->advice.empty()) line += "; " + std::string(meaning->advice);
  return Error{CodeOfSqlState(sqlstate), std::move(line)};
}

std::string SqlStateOf(const PGresult* result) {
  const char* field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return field == nullptr ? "" : field;
}

Error ErrorOfResult(const PGresult* result) {
  // Not the detail: it repeats the row.
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return ErrorOfSqlState(SqlStateOf(result),
                         primary == nullptr ? "the connection was lost" : primary);
}

bool WantsNewConnection(std::string_view sqlstate) {
  return sqlstate.empty() || sqlstate == kReadOnly || sqlstate == kUndefinedStatement ||
         sqlstate.substr(0, 2) == "08" || sqlstate.substr(0, 3) == "57P";
}

}  // namespace jitwg::registry
