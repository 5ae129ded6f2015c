// The schema in PostgreSQL: migrations, rights, and what the database refuses whoever writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "lib/registry/postgres_admin.h"
#include "lib/registry/postgres_registry.h"
#include "tests/registry/registry_contract.h"
#include "tests/support/postgres_server.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""s;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kDenied = "42501";
constexpr const char* kOverlap = "23P01";
constexpr const char* kCheck = "23514";

PostgresServer& Server() { return PostgresServer::Shared(); }

std::string Hex(unsigned number) { return "'\\x" + ToHex(TestKey(number).bytes) + "'"; }

std::string Insert(unsigned number, const std::string& prefixes,
                   const std::string& network = "default") {
  return "INSERT INTO jitwg.peer (public_key, network, allowed_ips) VALUES (" + Hex(number) +
         ", '" + network + "', '{" + prefixes + "}')";
}

class PostgresMigrationsTest : public testing::Test {
 protected:
  std::string Address() const { return Server().Address(database_); }

  const std::string database_ = Server().NewDatabase(false);
};

TEST_F(PostgresMigrationsTest, ApplyOnceAndThenFindNothingToDo) {
  const auto before = ReadSchema(Address(), 30s);
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->version(), 0);
  EXPECT_EQ(static_cast<int>(before->missing.size()), before->known);
  const auto first = MigrateSchema(Address(), 60s);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(*first, before->missing);
  const auto second = MigrateSchema(Address(), 60s);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_THAT(*second, IsEmpty());
  const auto after = ReadSchema(Address(), 30s);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->version(), after->known);
  EXPECT_THAT(after->missing, IsEmpty());
}

TEST_F(PostgresMigrationsTest, ManyAtOnceApplyEachOnce) {
  constexpr int kCount = 6;
  std::atomic<int> applied{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kCount; ++i) {
    threads.emplace_back([&] {
      const auto done = MigrateSchema(Address(), 60s);
      EXPECT_TRUE(done) << done.error().message;
      if (done) applied += static_cast<int>(done->size());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(applied, ReadSchema(Address(), 30s)->known);
}

TEST_F(PostgresMigrationsTest, DatabasesOfOneServerMigratedAtOnceShareTheRoles) {
  const std::string other = Server().NewDatabase(false);
  // Nobody has the roles' rights yet: they can go and be made anew.
  for (const char* role : {"jitwg_gateway", "jitwg_api"}) {
    Server().Try("postgres", "postgres", std::string("DROP ROLE ") + role);
  }
  std::thread beside([&] { EXPECT_TRUE(MigrateSchema(Server().Address(other), 60s)); });
  EXPECT_TRUE(MigrateSchema(Address(), 60s));
  beside.join();
}

TEST_F(PostgresMigrationsTest, ANewerSchemaIsRefusedByAll) {
  ASSERT_TRUE(MigrateSchema(Address(), 60s));
  Server().Execute(database_, "INSERT INTO jitwg.migration VALUES (9000, '9000_future')");
  const auto migrated = MigrateSchema(Address(), 60s);
  ASSERT_FALSE(migrated);
  EXPECT_EQ(migrated.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(migrated.error().message, HasSubstr("install a newer jitwg"));
  const SystemClock clock;
  const auto registry = std::move(*PostgresRegistry::Open(Address(), clock));
  EXPECT_THAT(FindNow(*registry, TestKey(1)).error().message, HasSubstr("9000"));
  const auto put = registry->Put(TestPeer(1, {"10.0.0.1/32"}), false);
  EXPECT_EQ(put.error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(PostgresMigrationsTest, WithoutThemCallsSayWhatToRun) {
  const SystemClock clock;
  const auto registry = std::move(*PostgresRegistry::Open(Address(), clock));
  EXPECT_THAT(FindNow(*registry, TestKey(1)).error().message, HasSubstr("jitwgctl db migrate"));
  EXPECT_THAT(registry->List({}).error().message, HasSubstr("jitwgctl db migrate"));
  EXPECT_THAT(registry->Health().error().message, HasSubstr("jitwgctl db migrate"));
}

TEST_F(PostgresMigrationsTest, AFailedOneLeavesNothing) {
  Server().Execute(database_, "CREATE SCHEMA jitwg; CREATE TABLE jitwg.sighting (a int)");
  const auto migrated = MigrateSchema(Address(), 60s);
  ASSERT_FALSE(migrated);
  EXPECT_THAT(migrated.error().message, HasSubstr("0001_registry"));
  EXPECT_EQ(Server().Execute(database_, "SELECT to_regclass('jitwg.peer') IS NULL"), "t");
  Server().Execute(database_, "DROP TABLE jitwg.sighting");
  EXPECT_TRUE(MigrateSchema(Address(), 60s));
}

class PostgresSchemaTest : public testing::Test {
 protected:
  std::string As(const std::string& user, const std::string& sql) const {
    return Server().Try(database_, user, sql);
  }
  std::string AsOwner(const std::string& sql) const { return As("postgres", sql); }
  void Login(const std::string& user, const std::string& group) const {
    if (Server().Execute("postgres", "SELECT 1 FROM pg_roles WHERE rolname = '" + user + "'") !=
        "1") {
      Server().Execute("postgres", "CREATE ROLE " + user + " LOGIN IN ROLE " + group);
    }
  }

  const std::string database_ = Server().NewDatabase();
};

TEST_F(PostgresSchemaTest, AGatewayReadsPeersAndWritesSightingsOnly) {
  Login("a_gateway", "jitwg_gateway");
  ASSERT_EQ(AsOwner(Insert(1, "10.0.0.1/32")), "");
  for (const std::string& sql :
       {Insert(2, "10.0.0.2/32"), std::string("UPDATE jitwg.peer SET enabled = true"),
        std::string("DELETE FROM jitwg.peer"), std::string("TRUNCATE jitwg.peer CASCADE"),
        std::string("SELECT * FROM jitwg.peer FOR UPDATE"),
        std::string("SELECT * FROM jitwg.network"),
        std::string("INSERT INTO jitwg.network VALUES ('n')"),
        std::string("DELETE FROM jitwg.allowed_ip"), std::string("DELETE FROM jitwg.sighting"),
        std::string("DELETE FROM jitwg.gateway"),
        std::string("INSERT INTO jitwg.migration VALUES (99, 'x')"),
        std::string("SELECT jitwg.allocate('default')"),
        std::string("CREATE TABLE jitwg.mine (a int)"),
        std::string("ALTER TABLE jitwg.peer DISABLE TRIGGER ALL")}) {
    EXPECT_EQ(As("a_gateway", sql), kDenied) << sql;
  }
  const SystemClock clock;
  const auto registry =
      std::move(*PostgresRegistry::Open(Server().Address(database_, "a_gateway"), clock));
  EXPECT_TRUE(FindNow(*registry, TestKey(1)));
  GatewayReport report;
  report.gateway.name = "gw";
  report.sightings.resize(1);
  report.sightings[0].public_key = TestKey(1);
  report.sightings[0].interface = "wg0";
  for (int i = 0; i < 2; ++i) {
    const auto reported = registry->Report(report);
    EXPECT_TRUE(reported) << reported.error().message;
  }
  ChangeLog log;
  registry->Subscribe(log.Callback());
  ASSERT_EQ(AsOwner("UPDATE jitwg.peer SET enabled = false"), "");
  EXPECT_TRUE(log.AwaitKey(TestKey(1)));
  const auto put = registry->Put(TestPeer(3, {"10.0.0.3/32"}), false);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(put.error().message, HasSubstr("jitwg_api"));
}

TEST_F(PostgresSchemaTest, TheApiWritesPeersAndNetworksAndReadsAll) {
  Login("an_api", "jitwg_api");
  for (const std::string& sql :
       {Insert(1, "10.0.0.1/32"), std::string("UPDATE jitwg.peer SET allowed_ips = '{10.0.0.2}'"),
        std::string("INSERT INTO jitwg.network VALUES ('default', '{10.8.0.0/24}')"),
        std::string("SELECT jitwg.allocate('default')"),
        std::string("SELECT * FROM jitwg.allowed_ip, jitwg.gateway, jitwg.sighting"),
        std::string("DELETE FROM jitwg.peer"), std::string("DELETE FROM jitwg.network")}) {
    EXPECT_EQ(As("an_api", sql), "") << sql;
  }
  for (const char* sql :
       {"TRUNCATE jitwg.peer CASCADE", "DELETE FROM jitwg.sighting",
        "INSERT INTO jitwg.gateway VALUES ('gw', '', 0)", "DELETE FROM jitwg.allowed_ip",
        "INSERT INTO jitwg.allowed_ip VALUES ('\\x00', 'default', '10.0.0.0/8')",
        "UPDATE jitwg.pool_hint SET free_from = NULL", "DELETE FROM jitwg.migration",
        "DROP TABLE jitwg.peer", "CREATE TABLE jitwg.mine (a int)",
        "SELECT jitwg.take_from_pool('default', '10.8.0.0/24')",
        "ALTER TABLE jitwg.peer DISABLE TRIGGER ALL"}) {
    EXPECT_EQ(As("an_api", sql), kDenied) << sql;
  }
}

TEST_F(PostgresSchemaTest, AStrangerMayNothing) {
  if (Server().Execute("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'a_stranger'") != "1") {
    Server().Execute("postgres", "CREATE ROLE a_stranger LOGIN");
  }
  for (const char* sql : {"SELECT * FROM jitwg.peer", "SELECT * FROM jitwg.migration",
                          "SELECT jitwg.allocate('default')"}) {
    EXPECT_EQ(As("a_stranger", sql), kDenied) << sql;
  }
  const SystemClock clock;
  const auto registry =
      std::move(*PostgresRegistry::Open(Server().Address(database_, "a_stranger"), clock));
  EXPECT_THAT(FindNow(*registry, TestKey(1)).error().message, HasSubstr("jitwg_gateway"));
}

TEST_F(PostgresSchemaTest, RowsThatNoProgramOfOursWritesAreRefused) {
  const auto with = [](const std::string& column, const std::string& value) {
    return "INSERT INTO jitwg.peer (public_key, allowed_ips, " + column + ") VALUES (" + Hex(1) +
           ", '{10.0.0.1/32}', " + value + ")";
  };
  for (const std::string& sql :
       {with("name", "repeat('n', 129)"), with("name", "E'a\\u001bb'"), with("network", "'No'"),
        with("network", "''"), with("preshared_key", "'\\x01'"),
        with("preshared_key", "decode(repeat('00', 32), 'hex')"),
        with("persistent_keepalive", "65536"), with("gateway", "E'a\\nb'"),
        with("expires_at", "'infinity'"), Insert(1, ""),
        std::string("INSERT INTO jitwg.peer (public_key, allowed_ips) VALUES ('\\x01', "
                    "'{10.0.0.1}')"),
        std::string("INSERT INTO jitwg.peer (public_key, allowed_ips) VALUES (decode(repeat('00', "
                    "32), 'hex'), '{10.0.0.1}')"),
        Insert(1, "{10.0.0.1/32},{10.0.0.2/32}"), Insert(1, "10.0.0.1/32,NULL")}) {
    EXPECT_EQ(AsOwner(sql), kCheck) << sql;
  }
}

TEST_F(PostgresSchemaTest, OverlapsAreRefusedWhoeverWrites) {
  ASSERT_EQ(AsOwner(Insert(1, "10.8.0.0/24,fd08::/64")), "");
  for (const char* prefixes : {"10.8.0.0/24", "10.8.0.7/32", "10.0.0.0/8", "fd08::1/128", "::/0",
                               "10.9.0.0/24,10.9.0.1/32"}) {
    EXPECT_EQ(AsOwner(Insert(2, prefixes)), kOverlap) << prefixes;
  }
  EXPECT_EQ(AsOwner(Insert(2, "10.8.0.0/24", "elsewhere")), "");
  EXPECT_EQ(AsOwner("UPDATE jitwg.peer SET network = 'default'"), kOverlap);
  EXPECT_EQ(AsOwner("DELETE FROM jitwg.peer WHERE network = 'default'"), "");
  EXPECT_EQ(AsOwner("UPDATE jitwg.peer SET network = 'default'"), "");
}

TEST_F(PostgresSchemaTest, OverlapsAreRefusedAlsoToThoseWhoInsertAtOnce) {
  constexpr unsigned kThreads = 6;
  for (unsigned round = 0; round < 10; ++round) {
    std::atomic<unsigned> won{0};
    std::atomic<unsigned> lost{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const std::string prefix = "10." + std::to_string(round) + ".0.0/" + std::to_string(16 + i);
        const std::string state = AsOwner(Insert(1 + round * kThreads + i, prefix));
        won += state.empty() ? 1 : 0;
        lost += state == kOverlap ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(won, 1U);
    EXPECT_EQ(lost, kThreads - 1);
  }
}

TEST_F(PostgresSchemaTest, WritesByHandAreToldAndTouched) {
  const SystemClock clock;
  const auto registry = std::move(*PostgresRegistry::Open(Server().Address(database_), clock));
  ASSERT_EQ(AsOwner(Insert(1, "10.0.0.1/32")), "");
  ChangeLog log;
  registry->Subscribe(log.Callback());
  const WallTime before = (*FindNow(*registry, TestKey(1)))->updated_at;
  ASSERT_EQ(AsOwner("UPDATE jitwg.peer SET pinned = pinned"), "");  // changes nothing
  EXPECT_EQ((*FindNow(*registry, TestKey(1)))->updated_at, before);
  ASSERT_EQ(AsOwner("UPDATE jitwg.peer SET pinned = true"), "");
  ASSERT_TRUE(log.AwaitKey(TestKey(1)));
  EXPECT_EQ(log.changes().size(), 1U);
  EXPECT_GT((*FindNow(*registry, TestKey(1)))->updated_at, before);
  ASSERT_EQ(AsOwner("TRUNCATE jitwg.peer CASCADE"), "");
  EXPECT_TRUE(log.Await([](const auto& changes) { return !changes.back().public_key; }));
  EXPECT_EQ(AsOwner(Insert(2, "10.0.0.1/32")), "");
}

}  // namespace
}  // namespace jitwg::registry
