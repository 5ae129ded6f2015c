#include "provisioner/replay_store.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "provisioner/log_text.h"

namespace jitwg::provisioner {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x6a777270;  // "jwrp"

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

Error StoreError(const std::string& path, sqlite3* database, int code) {
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

Status Run(const std::string& path, sqlite3* database, const char* sql) {
  const int code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return StoreError(path, database, code);
  return {};
}

Result<Statement> Prepare(const std::string& path, sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return StoreError(path, database, code);
  return Statement(statement);
}

Result<std::string> FirstText(const std::string& path, sqlite3* database, const char* sql) {
  auto statement = Prepare(path, database, sql);
  if (!statement) return statement.error();
  const int code = sqlite3_step(statement->get());
  if (code != SQLITE_ROW) return StoreError(path, database, code);
  const auto* text = sqlite3_column_text(statement->get(), 0);
  return std::string(text == nullptr ? "" : reinterpret_cast<const char*>(text));
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

Status CheckVersion(const std::string& path, sqlite3* database) {
  const auto version = FirstText(path, database, "PRAGMA user_version");
  if (!version) return version.error();
  const auto application = FirstText(path, database, "PRAGMA application_id");
  if (!application) return application.error();
  const bool fresh = *version == "0" && *application == "0";
  if (!fresh && *application != std::to_string(kApplicationId)) {
    return Error{
        ErrorCode::kFailedPrecondition,
        path + " is no replay memory of jitwg; move it away or choose another --state-dir"};
  }
  if (std::stol(*version) > kSchemaVersion) {
    return Error{ErrorCode::kFailedPrecondition,
                 path + " was written by a newer jitwg (schema " + *version + ", this one knows " +
                     std::to_string(kSchemaVersion) + "); run that version"};
  }
  return {};
}

Status Migrate(const std::string& path, sqlite3* database) {
  const std::string sql =
      "BEGIN IMMEDIATE;"
      "CREATE TABLE IF NOT EXISTS newest ("
      " public_key BLOB PRIMARY KEY CHECK (length(public_key) = 32),"
      " stamp BLOB NOT NULL CHECK (length(stamp) = 12)) WITHOUT ROWID;"
      "PRAGMA application_id = " +
      std::to_string(kApplicationId) +
      ";"
      "PRAGMA user_version = " +
      std::to_string(kSchemaVersion) + "; COMMIT;";
  return Run(path, database, sql.c_str());
}

Result<Database> OpenDatabase(const std::string& path) {
  const Status created = CreatePrivately(path);
  if (!created) return created.error();
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return StoreError(path, raw, code);
  sqlite3_extended_result_codes(raw, 1);
  Status status = Run(path, raw, "PRAGMA locking_mode = EXCLUSIVE");
  if (status) status = CheckVersion(path, raw);
  if (status) status = Run(path, raw, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  if (status) {
    const auto check = FirstText(path, raw, "PRAGMA quick_check(1)");
    if (!check) return check.error();
    if (*check != "ok") return Error{ErrorCode::kDataLoss, path + " is damaged: " + *check};
    status = Migrate(path, raw);
  }
  if (!status) return status.error();
  return database;
}

Status SetAside(const std::string& path, const Error& why) {
  const std::string aside = path + ".damaged-" + std::to_string(std::time(nullptr));
  for (const char* suffix : {"-wal", "-shm"}) {
    std::rename((path + suffix).c_str(), (aside + suffix).c_str());  // there may be none
  }
  if (std::rename(path.c_str(), aside.c_str()) != 0) {
    return ErrnoError(why.message + "; cannot move it to " + aside, errno);
  }
  spdlog::error(
      "replay_memory_lost problem=\"{}\" kept_as={} effect=\"the newest time stamp of every key is "
      "forgotten: an initiation captured earlier could be replayed once, until its owner connects "
      "again\"",
      LogText(why.message), aside);
  return {};
}

void Bind(sqlite3_stmt* statement, int index, const void* bytes, std::size_t size) {
  sqlite3_bind_blob(statement, index, bytes, static_cast<int>(size), SQLITE_STATIC);
}

}  // namespace

struct ReplayStore::Handle {
  std::string path;
  Database database;
  Statement find;
  Statement raise;
};

Result<std::unique_ptr<ReplayStore>> ReplayStore::Open(const std::string& directory) {
  auto handle = std::make_unique<Handle>();
  handle->path = directory + "/replay.db";
  auto database = OpenDatabase(handle->path);
  if (!database && database.error().code == ErrorCode::kDataLoss) {
    const Status moved = SetAside(handle->path, database.error());
    if (!moved) return moved.error();
    database = OpenDatabase(handle->path);
  }
  if (!database) return database.error();
  handle->database = std::move(*database);
  sqlite3* raw = handle->database.get();
  auto find = Prepare(handle->path, raw, "SELECT stamp FROM newest WHERE public_key = ?1");
  if (!find) return find.error();
  auto raise = Prepare(handle->path, raw,
                       "INSERT INTO newest (public_key, stamp) VALUES (?1, ?2) ON CONFLICT DO "
                       "UPDATE SET stamp = excluded.stamp WHERE excluded.stamp > stamp");
  if (!raise) return raise.error();
  handle->find = std::move(*find);
  handle->raise = std::move(*raise);
  return std::unique_ptr<ReplayStore>(new ReplayStore(std::move(handle)));
}

ReplayStore::ReplayStore(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
ReplayStore::~ReplayStore() = default;

Result<std::optional<Tai64n>> ReplayStore::Find(const PublicKey& key) {
  sqlite3_stmt* statement = handle_->find.get();
  Bind(statement, 1, key.bytes.data(), key.bytes.size());
  const int code = sqlite3_step(statement);
  std::optional<Tai64n> stamp;
  if (code == SQLITE_ROW) {
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, 0));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, 0));
    stamp = Tai64n::FromBytes({bytes, size});
  }
  sqlite3_reset(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    return StoreError(handle_->path, handle_->database.get(), code);
  }
  return stamp;
}

Status ReplayStore::Raise(const std::vector<KeyStamp>& stamps) {
  if (stamps.empty()) return {};
  sqlite3* database = handle_->database.get();
  Status status = Run(handle_->path, database, "BEGIN IMMEDIATE");
  if (!status) return status;
  sqlite3_stmt* statement = handle_->raise.get();
  for (const auto& [key, stamp] : stamps) {
    Bind(statement, 1, key.bytes.data(), key.bytes.size());
    Bind(statement, 2, stamp.bytes.data(), stamp.bytes.size());
    const int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (code != SQLITE_DONE) {
      status = StoreError(handle_->path, database, code);
      break;
    }
  }
  if (status) status = Run(handle_->path, database, "COMMIT");
  if (!status) sqlite3_exec(database, "ROLLBACK", nullptr, nullptr, nullptr);
  return status;
}

}  // namespace jitwg::provisioner
