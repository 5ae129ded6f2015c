#include "tests/bench/registry_subjects.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sodium.h>
#include <sqlite3.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "lib/registry/sqlite_registry.h"

namespace jitwg::bench {
namespace {

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "bench_registry: %s\n", why.c_str());
  std::exit(EXIT_FAILURE);
}

class RegistrySubject final : public Subject {
 public:
  explicit RegistrySubject(std::unique_ptr<registry::Registry> own)
      : own_(std::move(own)), registry_(*own_) {}
  explicit RegistrySubject(registry::Registry& lent) : registry_(lent) {}
  void Start(const PublicKey& key, Done done) override {
    registry_.Find(key, std::chrono::seconds(30),
                   [done = std::move(done)](const Result<std::optional<registry::Peer>>& found) {
                     done(found && *found);
                   });
  }

 private:
  std::unique_ptr<registry::Registry> own_;
  registry::Registry& registry_;
};

class BareSubject final : public Subject {
 public:
  explicit BareSubject(const std::string& connection)
      : connection_(PQconnectdb(connection.c_str())) {
    const char* sql =
        "SELECT public_key, name, network, allowed_ips, preshared_key, persistent_keepalive, "
        "pinned,"
        " gateway, enabled, expires_at, created_at, updated_at FROM jitwg.peer WHERE public_key = "
        "$1";
    constexpr Oid kBytea = 17;
    PGresult* prepared = PQprepare(connection_, "find", sql, 1, &kBytea);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK) Fail(PQerrorMessage(connection_));
    PQclear(prepared);
    if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) != 1) {
      Fail("no pipeline mode");
    }
  }
  ~BareSubject() override { PQfinish(connection_); }

  void Start(const PublicKey& key, Done done) override {
    const char* value = reinterpret_cast<const char*>(key.bytes.data());
    const int length = kKeySize;
    const int binary = 1;
    if (PQsendQueryPrepared(connection_, "find", 1, &value, &length, &binary, 1) != 1) {
      Fail(PQerrorMessage(connection_));
    }
    unsent_ = true;
    waiting_.push_back(std::move(done));
  }

  void Wait() override {
    if (unsent_) {
      if (PQpipelineSync(connection_) != 1) Fail(PQerrorMessage(connection_));
      ++syncs_;
      unsent_ = false;
    }
    pollfd socket{PQsocket(connection_), POLLIN, 0};
    if (PQflush(connection_) > 0) socket.events |= POLLOUT;
    ::poll(&socket, 1, 1000);
    if (PQconsumeInput(connection_) != 1) Fail(PQerrorMessage(connection_));
    while ((!waiting_.empty() || syncs_ > 0) && PQisBusy(connection_) == 0) Take();
  }

 private:
  void Take() {
    PGresult* result = PQgetResult(connection_);
    if (result == nullptr) return;
    const auto status = PQresultStatus(result);
    const bool found = PQntuples(result) == 1;
    PQclear(result);
    if (status == PGRES_PIPELINE_SYNC) {
      --syncs_;
      return;
    }
    const Done done = std::move(waiting_.front());
    waiting_.pop_front();
    done(found);
  }

  PGconn* const connection_;
  std::deque<Done> waiting_;
  int syncs_ = 0;
  bool unsent_ = false;
};

}  // namespace

PublicKey KeyOf(std::size_t number) {
  // sha256 of the number in decimal: PostgreSQL can make it too.
  const std::string text = std::to_string(number);
  PublicKey key;
  static_assert(kKeySize == crypto_hash_sha256_BYTES);
  crypto_hash_sha256(key.bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size());
  return key;
}

void LoadPostgres(const PostgresServer& server, const std::string& database, std::size_t rows) {
  // Triggers stay silent: what they keep up is not what look-ups read.
  server.Execute(database,
                 "SET session_replication_role = replica;"
                 "INSERT INTO jitwg.peer (public_key, name, allowed_ips, preshared_key)"
                 " SELECT sha256(n::text::bytea), 'peer ' || n,"
                 " ARRAY[('10.0.0.0'::inet + n)::cidr, ('fd08::'::inet + n)::cidr],"
                 " sha256(('psk' || n)::bytea) FROM generate_series(0, " +
                     std::to_string(rows - 1) + ") AS n;");
  server.Execute(database, "VACUUM ANALYZE jitwg.peer");
}

void LoadSqlite(const std::string& path, std::size_t rows) {
  const SystemClock clock;
  if (!registry::SqliteRegistry::Open(path, clock)) Fail("cannot make the SQLite file");
  sqlite3* database = nullptr;
  sqlite3_open(path.c_str(), &database);
  const auto run = [&](const std::string& sql) {
    if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      Fail(sqlite3_errmsg(database));
    }
  };
  sqlite3_create_function(
      database, "row_key", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
      [](sqlite3_context* context, int, sqlite3_value** arguments) {
        const PublicKey key = KeyOf(static_cast<std::size_t>(sqlite3_value_int64(arguments[0])));
        sqlite3_result_blob(context, key.bytes.data(), kKeySize, SQLITE_TRANSIENT);
      },
      nullptr, nullptr);
  // An IPv4 address as the schema has it: 16 bytes, zeros behind.
  sqlite3_create_function(
      database, "row_address", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
      [](sqlite3_context* context, int, sqlite3_value** arguments) {
        const auto number = static_cast<std::uint32_t>(sqlite3_value_int64(arguments[0]));
        std::array<std::uint8_t, 16> bytes{10, static_cast<std::uint8_t>(number >> 16U),
                                           static_cast<std::uint8_t>(number >> 8U),
                                           static_cast<std::uint8_t>(number)};
        sqlite3_result_blob(context, bytes.data(), 16, SQLITE_TRANSIENT);
      },
      nullptr, nullptr);
  run("PRAGMA cache_size = -200000; BEGIN;"
      "INSERT INTO peer (public_key, name, network, preshared_key, persistent_keepalive, pinned,"
      " gateway, enabled, created_at, updated_at)"
      " WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " +
      std::to_string(rows) +
      ") SELECT row_key(i), 'peer ' || i, 'default', row_key(i), 0, 0, '', 1, 0, 0 FROM n;"
      "INSERT INTO allowed_ip (public_key, position, network, family, first, last, prefix_length)"
      " SELECT row_key(i), 0, 'default', 4, row_address(i), row_address(i), 32 FROM"
      " (WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " +
      std::to_string(rows) + ") SELECT i FROM n); COMMIT");
  sqlite3_close(database);
}

std::unique_ptr<Subject> OfRegistry(std::unique_ptr<registry::Registry> registry) {
  return std::make_unique<RegistrySubject>(std::move(registry));
}

std::unique_ptr<Subject> OfLent(registry::Registry& registry) {
  return std::make_unique<RegistrySubject>(registry);
}

std::unique_ptr<Subject> BareLibpq(const std::string& connection) {
  return std::make_unique<BareSubject>(connection);
}

}  // namespace jitwg::bench
