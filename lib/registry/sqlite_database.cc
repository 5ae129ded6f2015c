#include "lib/registry/sqlite_database.h"

namespace jitwg::registry {

Error SqliteError(int code, std::string_view message, const std::string& path) {
  const std::string detail = " (SQLite: " + std::string(message) + ")";
  const std::string file = "registry file " + path;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kUnavailable,
              file + " is locked by another process for too long; try again" + detail};
    case SQLITE_NOTADB:
      return {ErrorCode::kDataLoss,
              file + " is no SQLite database; name another file or move this one away" + detail};
    case SQLITE_CORRUPT:
      return {ErrorCode::kDataLoss, file + " is damaged; restore it from a backup" + detail};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return {ErrorCode::kPermissionDenied,
              file +
                  " cannot be opened for writing; the file and its folder must be writable by "
                  "this user" +
                  detail};
    case SQLITE_FULL:
      return {ErrorCode::kResourceExhausted, "the disk of " + file + " is full" + detail};
    case SQLITE_IOERR:
      return {ErrorCode::kUnavailable, file + " cannot be read or written" + detail};
    default:
      return {ErrorCode::kInternal, file + " failed" + detail};
  }
}

Result<SqliteDatabase> SqliteDatabase::Open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<sqlite3, Closer> handle(raw);
  if (code != SQLITE_OK) return SqliteError(code, sqlite3_errstr(code), path);
  sqlite3_extended_result_codes(raw, 1);
  return SqliteDatabase(std::move(handle), path);
}

Error SqliteDatabase::ErrorOf(int code) const {
  return SqliteError(code, sqlite3_errmsg(handle_.get()), path_);
}

Status SqliteDatabase::Execute(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code);
  return {};
}

Result<std::int64_t> SqliteDatabase::QueryNumber(const char* sql) {
  auto statement = SqliteStatement::Prepare(*this, sql);
  if (!statement) return statement.error();
  const auto row = statement->Step();
  if (!row) return row.error();
  return *row ? statement->Number(0) : 0;
}

void SqliteDatabase::SetBusyTimeout(std::chrono::milliseconds timeout) {
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(timeout.count()));
}

Result<SqliteTransaction> SqliteTransaction::BeginRead(SqliteDatabase& database) {
  if (auto begun = database.Execute("BEGIN"); !begun) return begun.error();
  return SqliteTransaction(&database);
}

Result<SqliteTransaction> SqliteTransaction::BeginWrite(SqliteDatabase& database) {
  if (auto begun = database.Execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  return SqliteTransaction(&database);
}

Status SqliteTransaction::Commit() {
  auto committed = database_->Execute("COMMIT");
  if (committed) database_ = nullptr;
  return committed;
}

SqliteTransaction::~SqliteTransaction() {
  if (database_ != nullptr) (void)database_->Execute("ROLLBACK");
}

Result<SqliteStatement> SqliteStatement::Prepare(const SqliteDatabase& database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) return database.ErrorOf(code);
  return SqliteStatement(&database, statement);
}

void SqliteStatement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  code_ = SQLITE_OK;
}

void SqliteStatement::Check(int code) {
  if (code != SQLITE_OK && code_ == SQLITE_OK) code_ = code;
}

void SqliteStatement::BindNumber(int index, std::int64_t value) {
  Check(sqlite3_bind_int64(statement_.get(), index + 1, value));
}

void SqliteStatement::BindText(int index, std::string_view value) {
  Check(sqlite3_bind_text(statement_.get(), index + 1, value.data() == nullptr ? "" : value.data(),
                          static_cast<int>(value.size()), SQLITE_STATIC));
}

void SqliteStatement::BindBlob(int index, std::span<const std::uint8_t> value) {
  Check(sqlite3_bind_blob(statement_.get(), index + 1, value.data(), static_cast<int>(value.size()),
                          SQLITE_STATIC));
}

void SqliteStatement::BindNull(int index) { Check(sqlite3_bind_null(statement_.get(), index + 1)); }

Result<bool> SqliteStatement::Step() {
  if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_.get());
  if (code_ == SQLITE_ROW) return true;
  if (code_ == SQLITE_DONE) return false;
  return SqliteError(code_, sqlite3_errmsg(connection_), path_);
}

Status SqliteStatement::Run() {
  const auto row = Step();
  if (!row) return row.error();
  return {};
}

bool SqliteStatement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t SqliteStatement::Number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view SqliteStatement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const std::uint8_t> SqliteStatement::Blob(int column) const {
  const auto* blob =
      static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  if (blob == nullptr) return {};
  return {blob, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

}  // namespace jitwg::registry
