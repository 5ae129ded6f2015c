// A private SQLite file in --state-dir: opened, checked, made, set aside when it is damaged. Knows
// no table; the only file of the provisioner that opens SQLite.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lib/base/result.h"

namespace jitwg::provisioner {

struct StateFileKind {
  const char* what;  // "replay memory", for messages
  int application_id;
  int schema_version;
  const char* schema;  // CREATE ... IF NOT EXISTS
};

// A prepared statement; parameters and columns count from 0. Bound bytes must live until Reset.
class StateStatement {
 public:
  explicit StateStatement(sqlite3_stmt* statement) : statement_(statement) {}
  StateStatement() = default;

  void BindBytes(int index, std::span<const std::uint8_t> bytes);
  void BindText(int index, const std::string& text);
  void BindNumber(int index, std::int64_t number);
  void BindNull(int index);
  // SQLITE_ROW, SQLITE_DONE or an error for StateFile::ErrorOf.
  int Step() { return sqlite3_step(statement_.get()); }
  // Ends a run and forgets the parameters.
  void Reset();

  bool IsNull(int column) const;
  std::int64_t Number(int column) const;
  // Valid until the next Step or Reset.
  std::span<const std::uint8_t> Bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Not thread-safe.
class StateFile {
 public:
  // Opens or creates the file with mode 0600 (WAL; a commit survives kill -9 of the process; one
  // process at a time). kDataLoss: it is damaged; kFailedPrecondition: it is of a newer version or
  // something else; kAlreadyExists: another process has it; else why it cannot be opened.
  static Result<StateFile> Open(const std::string& path, const StateFileKind& kind);

  Status Run(const char* sql);
  Result<StateStatement> Prepare(const char* sql);
  Result<std::int64_t> Number(const char* sql);
  // A transaction was begun and has not ended.
  bool InTransaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }
  Error ErrorOf(int code) const;

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  StateFile(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}

  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
};

// Moves the file and what belongs to it out of the way; its new name. No connection may be open.
Result<std::string> SetAside(const std::string& path, const std::string& suffix);

}  // namespace jitwg::provisioner
