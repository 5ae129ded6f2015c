// The PostgreSQL registry's schema, for the operator's tool: what the database has, what is
// missing, and bringing it up to date. Shows nothing of libpq.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace jitwg::registry {

struct AppliedMigration {
  int version = 0;
  std::string name;  // of its file, "0001_registry"
  WallTime applied_at;
};

struct SchemaState {
  std::vector<AppliedMigration> applied;  // in order
  std::vector<std::string> missing;       // names, in order
  int known = 0;                          // the newest version that this program has

  int version() const { return applied.empty() ? 0 : applied.back().version; }
};

// `connection` is a RegistryAddress's rest. Changes nothing. Errors: kUnavailable,
// kPermissionDenied, kDeadlineExceeded, kInvalidArgument.
Result<SchemaState> ReadSchema(const std::string& connection, std::chrono::milliseconds timeout);

// Applies what is missing and returns the names. Safe to run twice, and by several at once.
// kFailedPrecondition when the database has a newer schema. `applied`, if any, is told after each
// how many were applied by now.
Result<std::vector<std::string>> MigrateSchema(
    const std::string& connection, std::chrono::milliseconds timeout,
    const std::function<void(std::size_t)>& applied = {});

}  // namespace jitwg::registry
