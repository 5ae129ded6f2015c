// SQLite's C API as values: a connection, a prepared statement, one place where its codes become
// Errors. Knows no table.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/result.h"

namespace jitwg::registry {

// Not thread-safe: one thread, or a mutex around it.
class SqliteDatabase {
 public:
  // Opens an existing file for reading and writing. The file is not looked at yet.
  static Result<SqliteDatabase> Open(const std::string& path);

  // Runs statements without results.
  Status Execute(const char* sql);
  // The first column of the first row as a number.
  Result<std::int64_t> QueryNumber(const char* sql);

  // How long a statement waits for a lock of another connection before it fails with kUnavailable.
  void SetBusyTimeout(std::chrono::milliseconds timeout);

  // An Error for a code that SQLite returned, its message in one line with the file's name.
  Error ErrorOf(int code) const;
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  SqliteDatabase(std::unique_ptr<sqlite3, Closer> handle, std::string path)
      : handle_(std::move(handle)), path_(std::move(path)) {}

  std::unique_ptr<sqlite3, Closer> handle_;
  std::string path_;
};

// Rolls back when it dies uncommitted.
class SqliteTransaction {
 public:
  // One snapshot for all that is read inside.
  static Result<SqliteTransaction> BeginRead(SqliteDatabase& database);
  // BEGIN IMMEDIATE: waits for other writers now, so that what is read inside cannot be overtaken.
  static Result<SqliteTransaction> BeginWrite(SqliteDatabase& database);
  Status Commit();

  SqliteTransaction(SqliteTransaction&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)) {}
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();

 private:
  explicit SqliteTransaction(SqliteDatabase* database) : database_(database) {}
  SqliteDatabase* database_;
};

// A prepared statement; parameters and columns count from 0. Bound blobs and texts must live until
// the next Reset.
class SqliteStatement {
 public:
  static Result<SqliteStatement> Prepare(const SqliteDatabase& database, const char* sql);

  // Ends a run and forgets the parameters.
  void Reset();
  void BindNumber(int index, std::int64_t value);
  void BindText(int index, std::string_view value);
  void BindBlob(int index, std::span<const std::uint8_t> value);
  void BindNull(int index);

  // true: a row is there; false: done. The raw code is in code().
  Result<bool> Step();
  // Step, where no row is wanted.
  Status Run();
  int code() const { return code_; }

  bool IsNull(int column) const;
  std::int64_t Number(int column) const;
  // Valid until the next Step or Reset.
  std::string_view Text(int column) const;
  std::span<const std::uint8_t> Blob(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  SqliteStatement(const SqliteDatabase* database, sqlite3_stmt* statement)
      : connection_(database->handle()), path_(database->path()), statement_(statement) {}
  void Check(int code);

  sqlite3* connection_;
  std::string path_;
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int code_ = SQLITE_OK;
};

// What ErrorOf is made of, for a code without a connection.
Error SqliteError(int code, std::string_view message, const std::string& path);

}  // namespace jitwg::registry
