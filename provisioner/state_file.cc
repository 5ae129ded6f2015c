#include "provisioner/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace jitwg::provisioner {
namespace {

Error ErrorFor(const std::string& path, sqlite3* database, int code) {
  const int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) {
    return {ErrorCode::kDataLoss, path + " is damaged: " + sqlite3_errstr(primary)};
  }
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    return {ErrorCode::kAlreadyExists,
            path + " is used by another process; give each provisioner its own --state-dir"};
  }
  const char* detail = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  return {ErrorCode::kUnavailable, path + ": " + detail};
}

// So that the file is never readable by others, not even for a moment; SQLite gives the write-ahead
// log the same mode.
Status CreatePrivately(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return ErrnoError(
        "cannot open " + path + " (--state-dir must exist and be writable for this user)", errno);
  const int failed = ::fchmod(fd, 0600);
  const int saved = errno;
  ::close(fd);
  if (failed != 0) return ErrnoError("cannot set the mode of " + path, saved);
  return {};
}

Status CheckVersion(StateFile& file, const std::string& path, const StateFileKind& kind) {
  const auto version = file.Number("PRAGMA user_version");
  if (!version) return version.error();
  const auto application = file.Number("PRAGMA application_id");
  if (!application) return application.error();
  const bool fresh = *version == 0 && *application == 0;
  if (!fresh && *application != kind.application_id) {
    return Error{
        ErrorCode::kFailedPrecondition,
        path + " is no " + kind.what + " of jitwg; move it away or choose another --state-dir"};
  }
  if (*version > kind.schema_version) {
    return Error{ErrorCode::kFailedPrecondition,
                 path + " was written by a newer jitwg (schema " + std::to_string(*version) +
                     ", this one knows " + std::to_string(kind.schema_version) +
                     "); run that version"};
  }
  return {};
}

Status CheckAll(StateFile& file, const std::string& path) {
  auto check = file.Prepare("PRAGMA quick_check(1)");
  if (!check) return check.error();
  const int code = check->Step();
  if (code != SQLITE_ROW) return file.ErrorOf(code);
  const auto bytes = check->Bytes(0);
  const std::string said(bytes.begin(), bytes.end());
  if (said == "ok") return {};
  return Error{ErrorCode::kDataLoss, path + " is damaged: " + said};
}

Status Migrate(StateFile& file, const StateFileKind& kind) {
  const std::string sql = "BEGIN IMMEDIATE;" + std::string(kind.schema) +
                          ";PRAGMA application_id = " + std::to_string(kind.application_id) +
                          ";PRAGMA user_version = " + std::to_string(kind.schema_version) +
                          ";COMMIT;";
  return file.Run(sql.c_str());
}

}  // namespace

void StateStatement::BindBytes(int index, std::span<const std::uint8_t> bytes) {
  // A null pointer would be NULL, not no bytes.
  const void* data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
  sqlite3_bind_blob(statement_.get(), index + 1, data, static_cast<int>(bytes.size()),
                    SQLITE_STATIC);
}

void StateStatement::BindText(int index, const std::string& text) {
  sqlite3_bind_text(statement_.get(), index + 1, text.data(), static_cast<int>(text.size()),
                    SQLITE_STATIC);
}

void StateStatement::BindNumber(int index, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), index + 1, number);
}

void StateStatement::BindNull(int index) { sqlite3_bind_null(statement_.get(), index + 1); }

void StateStatement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

bool StateStatement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t StateStatement::Number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::span<const std::uint8_t> StateStatement::Bytes(int column) const {
  const auto* bytes =
      static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Result<StateFile> StateFile::Open(const std::string& path, const StateFileKind& kind) {
  const Status created = CreatePrivately(path);
  if (!created) return created.error();
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  StateFile file(path, raw);
  if (code != SQLITE_OK) return file.ErrorOf(code);
  sqlite3_extended_result_codes(raw, 1);
  Status status = file.Run("PRAGMA locking_mode = EXCLUSIVE; PRAGMA secure_delete = ON");
  if (status) status = CheckVersion(file, path, kind);
  if (status) status = file.Run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  if (status) status = CheckAll(file, path);
  if (status) status = Migrate(file, kind);
  if (!status) return status.error();
  return file;
}

Status StateFile::Run(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code);
  return {};
}

Result<StateStatement> StateFile::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code);
  return StateStatement(statement);
}

Result<std::int64_t> StateFile::Number(const char* sql) {
  auto statement = Prepare(sql);
  if (!statement) return statement.error();
  const int code = statement->Step();
  if (code != SQLITE_ROW) return ErrorOf(code);
  return statement->Number(0);
}

Error StateFile::ErrorOf(int code) const { return ErrorFor(path_, database_.get(), code); }

Result<std::string> SetAside(const std::string& path, const std::string& suffix) {
  const std::string aside = path + suffix;
  for (const char* part : {"-wal", "-shm"}) {
    std::rename((path + part).c_str(), (aside + part).c_str());  // there may be none
  }
  if (std::rename(path.c_str(), aside.c_str()) != 0) {
    return ErrnoError("cannot move " + path + " to " + aside, errno);
  }
  return aside;
}

}  // namespace jitwg::provisioner
