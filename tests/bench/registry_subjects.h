// What the registry benchmark measures: ways to look up one peer, all with the same rows behind
// them. Times nothing.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "tests/support/postgres_server.h"

namespace jitwg::bench {

// The key of row `number`: as spread out as real ones. Both loaders make the same.
PublicKey KeyOf(std::size_t number);

// Makes `rows` peers in a migrated database, or an SQLite file.
void LoadPostgres(const PostgresServer& server, const std::string& database, std::size_t rows);
void LoadSqlite(const std::string& path, std::size_t rows);

// Called at the end of each look-up with whether the peer was found.
using Done = std::function<void(bool found)>;

class Subject {
 public:
  virtual ~Subject() = default;
  // Starts a look-up; `done` runs on any thread.
  virtual void Start(const PublicKey& key, Done done) = 0;
  // Does what the subject's own thread would; returns when something may have ended.
  virtual void Wait() {}
};

std::unique_ptr<Subject> OfRegistry(std::unique_ptr<registry::Registry> registry);
// `registry` outlives it.
std::unique_ptr<Subject> OfLent(registry::Registry& registry);

// Bare libpq in pipeline mode on the caller's thread: the floor of what any client of it costs. It
// looks at whether a row came, and at nothing in it.
std::unique_ptr<Subject> BareLibpq(const std::string& connection);

}  // namespace jitwg::bench
