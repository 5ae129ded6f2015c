// How a file gets the SQLite registry's tables, and a connection its settings. Other files know the
// names of columns only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "lib/registry/sqlite_database.h"

namespace jitwg::registry {

// PRAGMA user_version of the files this program writes. A file with a higher one is refused.
inline constexpr int kSchemaVersion = 2;

// "jitw": tells our files from other programs' SQLite files.
inline constexpr std::int64_t kApplicationId = 0x6a697477;

// How many change notices a file keeps for those who read them late.
inline constexpr int kKeptChanges = 10'000;

// Makes sure that `path` is there, if `create` with `mode` (and, by root, the folder's owner);
// kNotFound when it is not, and what
// open(2) says otherwise.
Status EnsureFile(const std::string& path, bool create, unsigned mode);

// Sets the connection up (WAL, foreign keys, time-outs), creates the schema in an empty file,
// brings an older one up to date in one transaction, and refuses files of others
// (kFailedPrecondition), of a newer schema (kFailedPrecondition) and damaged ones (kDataLoss).
Status PrepareConnection(SqliteDatabase& database, std::chrono::milliseconds busy_timeout);

}  // namespace jitwg::registry
