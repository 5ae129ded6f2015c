// The two connections of the SQLite registry and the statements that run on them. No threads, no
// locks.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/registry/registry.h"
#include "lib/registry/sqlite_database.h"

namespace jitwg::registry {

// Look-ups and change notices. One thread.
class SqliteReader {
 public:
  static Result<std::unique_ptr<SqliteReader>> Open(const std::string& path,
                                                    std::chrono::milliseconds busy_timeout);

  // kDeadlineExceeded when locks of others took longer than `patience`.
  Result<std::optional<Peer>> Find(const PublicKey& key, std::chrono::milliseconds patience);
  // The last Find failed because of its own row, not of the file.
  bool damaged_row() const { return damaged_row_; }

  struct News {
    std::vector<Change> changes;  // at most a few hundred
    std::int64_t newest = 0;      // pass it the next time
    bool more = false;            // ask again at once
  };
  // One change without a key when notices behind `seen` were lost, or when `seen` is unset.
  Result<News> ChangesAfter(std::optional<std::int64_t> seen);

 private:
  SqliteReader(SqliteDatabase database, SqliteStatement find, SqliteStatement changes,
               SqliteStatement newest);

  SqliteDatabase database_;
  SqliteStatement find_;
  SqliteStatement changes_;
  SqliteStatement newest_;
  bool damaged_row_ = false;
};

// Everything else. One caller at a time.
class SqliteWriter {
 public:
  // Creates the schema in an empty file.
  static Result<std::unique_ptr<SqliteWriter>> Open(const std::string& path,
                                                    std::chrono::milliseconds busy_timeout);

  // As Registry says; the arguments are valid already.
  Result<std::vector<Peer>> List(const ListQuery& query);
  Result<std::optional<AddressHolder>> FindHolder(const std::string& network,
                                                  const IpAddress& address);
  Status Put(const Peer& peer, bool replace, WallTime now);
  Status Remove(const PublicKey& key);
  Status Report(const GatewayReport& report, WallTime now);
  Result<std::int64_t> NewestChange();

 private:
  explicit SqliteWriter(SqliteDatabase database) : database_(std::move(database)) {}

  SqliteDatabase database_;
};

}  // namespace jitwg::registry
