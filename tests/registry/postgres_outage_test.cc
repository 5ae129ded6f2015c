// What PostgresRegistry does while its database is away, hangs, moves or loses its connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "lib/registry/postgres_control_plane.h"
#include "lib/registry/postgres_registry.h"
#include "tests/registry/registry_contract.h"
#include "tests/support/postgres_server.h"
#include "tests/support/tcp_proxy.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::HasSubstr;
using testing::Not;

// A server of its own for each test: it is mistreated.
class PostgresOutageTest : public testing::Test {
 protected:
  std::unique_ptr<PostgresRegistry> Open(const std::string& address) {
    PostgresOptions options;
    options.hang_after = 500ms;
    options.heartbeat = 300ms;
    options.connect_timeout = 4s;
    options.call_timeout = 3s;
    options.backoff = {20ms, 200ms};
    return std::move(*PostgresRegistry::Open(address, clock_, options));
  }
  std::unique_ptr<PostgresRegistry> Open() { return Open(server_.Address(database_)); }

  static bool Eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (holds()) return true;
      std::this_thread::yield();
    }
    return false;
  }
  static bool Finds(Registry& registry, unsigned number) {
    const auto found = FindNow(registry, TestKey(number), 2s);
    return found && *found;
  }
  static bool HasKeyless(const std::vector<Change>& changes) {
    return std::any_of(changes.begin(), changes.end(),
                       [](const Change& change) { return !change.public_key; });
  }
  void InsertByHand(unsigned number) {
    server_.Execute(database_, "INSERT INTO jitwg.peer (public_key, allowed_ips) VALUES ('\\x" +
                                   ToHex(TestKey(number).bytes) + "', '{10.0.0." +
                                   std::to_string(number) + "}')");
  }

  SystemClock clock_;
  PostgresServer server_;
  const std::string database_ = server_.NewDatabase();
};

TEST_F(PostgresOutageTest, ARestartIsSurvivedAndWhatChangedMeanwhileIsToldWithoutAKey) {
  const auto registry = Open();
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  ChangeLog log;
  registry->Subscribe(log.Callback());
  ASSERT_TRUE(Finds(*registry, 1));
  server_.Stop();
  EXPECT_TRUE(Eventually([&] {
    const auto found = FindNow(*registry, TestKey(1));
    return !found && found.error().code == ErrorCode::kUnavailable;
  }));
  // From now on each says so at once, although it might wait for a minute.
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(FindNow(*registry, TestKey(1)).error().code, ErrorCode::kUnavailable);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, 30s);
  EXPECT_FALSE(registry->Health());
  EXPECT_EQ(registry->Remove(TestKey(1)).error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(HasKeyless(log.changes()));
  server_.Start();
  InsertByHand(2);
  EXPECT_TRUE(Eventually([&] { return Finds(*registry, 2); }));
  EXPECT_TRUE(log.Await([](const auto& changes) { return HasKeyless(changes); }));
  EXPECT_TRUE(registry->Health());
  EXPECT_TRUE(registry->Remove(TestKey(1)));
  EXPECT_TRUE(log.AwaitKey(TestKey(1)));
}

TEST_F(PostgresOutageTest, OpensWithoutADatabaseAndFindsItLater) {
  server_.Stop();
  const auto registry = Open();
  EXPECT_EQ(FindNow(*registry, TestKey(1)).error().code, ErrorCode::kUnavailable);
  ChangeLog log;
  registry->Subscribe(log.Callback());
  server_.Start();
  EXPECT_TRUE(log.Await([](const auto& changes) { return HasKeyless(changes); }));
  InsertByHand(1);
  EXPECT_TRUE(log.AwaitKey(TestKey(1)));
  EXPECT_TRUE(Eventually([&] { return Finds(*registry, 1); }));
}

TEST_F(PostgresOutageTest, AServerThatHangsHoldsNobodyBeyondTheDeadline) {
  const auto registry = Open();
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  ChangeLog log;
  registry->Subscribe(log.Callback());
  ASSERT_TRUE(Finds(*registry, 1));
  server_.Freeze();
  for (int i = 0; i < 5; ++i) {
    const auto found = FindNow(*registry, TestKey(1), 200ms);
    ASSERT_FALSE(found);
    EXPECT_THAT(found.error().code,
                testing::AnyOf(ErrorCode::kDeadlineExceeded, ErrorCode::kUnavailable));
  }
  const auto removed = registry->Remove(TestKey(1));
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().code,
              testing::AnyOf(ErrorCode::kDeadlineExceeded, ErrorCode::kUnavailable));
  EXPECT_TRUE(Eventually([&] { return !registry->Health(); }));
  server_.Thaw();
  EXPECT_TRUE(Eventually([&] { return Finds(*registry, 1) || FindNow(*registry, TestKey(1)); }));
  EXPECT_TRUE(log.Await([](const auto& changes) { return HasKeyless(changes); }));
  EXPECT_TRUE(Eventually([&] { return registry->Health().has_value(); }));
}

TEST_F(PostgresOutageTest, AFrozenServerDoesNotHoldUpTheEnd) {
  auto registry = Open();
  ASSERT_FALSE(Finds(*registry, 1));
  server_.Freeze();
  std::promise<ErrorCode> answer;
  registry->Find(TestKey(1), 600s, [&](Result<std::optional<Peer>> found) {
    answer.set_value(found ? ErrorCode::kInternal : found.error().code);
  });
  registry.reset();
  EXPECT_EQ(answer.get_future().get(), ErrorCode::kUnavailable);
}

TEST_F(PostgresOutageTest, ConnectionsThatAreResetUnderLoadLoseNoLookup) {
  TcpProxy proxy(server_.port());
  const auto registry =
      Open("postgresql://postgres@127.0.0.1:" + std::to_string(proxy.port()) + "/" + database_);
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  ChangeLog log;
  registry->Subscribe(log.Callback());
  constexpr int kRounds = 20;
  constexpr int kEach = 50;
  std::atomic<int> answers{0};
  std::atomic<int> hits{0};
  int resets = 0;
  for (int round = 0; round < kRounds; ++round) {
    // What is reset is a connection that stands: an attempt to connect that fails is an outage.
    EXPECT_TRUE(Eventually([&] { return Finds(*registry, 1); }));
    for (int i = 0; i < kEach; ++i) {
      registry->Find(TestKey(1), 30s, [&](Result<std::optional<Peer>> found) {
        if (found && *found) ++hits;
        ++answers;
      });
    }
    resets += proxy.ResetAll();
    EXPECT_TRUE(Eventually([&] { return answers == (round + 1) * kEach; }));
  }
  EXPECT_GT(resets, kRounds);
  EXPECT_EQ(hits, kRounds * kEach);
  EXPECT_TRUE(log.Await([](const auto& changes) { return HasKeyless(changes); }));
  EXPECT_TRUE(registry->Put(TestPeer(2, {"10.0.0.2/32"}), false));
}

TEST_F(PostgresOutageTest, TheSecondHostOfOneConnectionStringTakesOver) {
  PostgresServer second;
  const std::string there = second.NewDatabase();
  second.Execute("postgres", "ALTER DATABASE " + there + " RENAME TO shared");
  server_.Execute("postgres", "CREATE DATABASE shared TEMPLATE " + database_);
  const auto registry = Open("postgresql://postgres@127.0.0.1:" + std::to_string(server_.port()) +
                             ",127.0.0.1:" + std::to_string(second.port()) +
                             "/shared?target_session_attrs=read-write&connect_timeout=2");
  ASSERT_TRUE(registry->Put(TestPeer(1, {"10.0.0.1/32"}), false));
  EXPECT_TRUE(Finds(*registry, 1));
  ChangeLog log;
  registry->Subscribe(log.Callback());
  server_.Freeze();  // worse than gone: it still accepts connections
  EXPECT_TRUE(Eventually([&] { return FindNow(*registry, TestKey(2), 2s).has_value(); }));
  EXPECT_TRUE(log.Await([](const auto& changes) { return HasKeyless(changes); }));
  EXPECT_TRUE(
      Eventually([&] { return registry->Put(TestPeer(2, {"10.0.0.2/32"}), true).has_value(); }));
  EXPECT_TRUE(Finds(*registry, 2));
  EXPECT_EQ(second.Execute("shared", "SELECT count(*) FROM jitwg.peer"), "1");
}

TEST_F(PostgresOutageTest, AReadOnlyServerIsNamedAsSuch) {
  server_.Execute("postgres",
                  "ALTER DATABASE " + database_ + " SET default_transaction_read_only = on");
  const auto registry = Open();
  const auto put = registry->Put(TestPeer(1, {"10.0.0.1/32"}), false);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(put.error().message, HasSubstr("target_session_attrs=read-write"));
  EXPECT_TRUE(FindNow(*registry, TestKey(1)));
}

TEST_F(PostgresOutageTest, ARowThatMakesNoSenseIsThatRowsErrorOnly) {
  server_.Execute(database_,
                  "ALTER TABLE jitwg.peer DROP CONSTRAINT peer_name_check;"
                  "ALTER TABLE jitwg.peer DISABLE TRIGGER USER");
  InsertByHand(1);
  InsertByHand(2);
  server_.Execute(database_, "UPDATE jitwg.peer SET name = E'a\\u001b[2J' WHERE public_key = '\\x" +
                                 ToHex(TestKey(1).bytes) + "'");
  const auto registry = Open();
  const auto found = FindNow(*registry, TestKey(1));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(found.error().message, HasSubstr(TestKey(1).ToBase64()));
  EXPECT_TRUE(Finds(*registry, 2));
  EXPECT_TRUE(registry->Health());
  EXPECT_EQ(registry->List({}).error().code, ErrorCode::kDataLoss);
}

TEST_F(PostgresOutageTest, NoMoreLookupsWaitThanTheQueueHolds) {
  const auto registry = Open();
  ASSERT_FALSE(Finds(*registry, 1));
  server_.Freeze();
  constexpr int kMore = 100;
  std::atomic<int> refused{0};
  std::atomic<int> answers{0};
  const int count = static_cast<int>(PostgresOptions().max_queued) + kMore;
  for (int i = 0; i < count; ++i) {
    registry->Find(TestKey(1), 200ms, [&](Result<std::optional<Peer>> found) {
      if (!found && found.error().code == ErrorCode::kResourceExhausted) ++refused;
      ++answers;
    });
  }
  EXPECT_TRUE(Eventually([&] { return answers == count; }));
  EXPECT_GT(refused, 0);
}

TEST_F(PostgresOutageTest, PasswordsAreInNoError) {
  const std::string port = std::to_string(server_.port());
  for (const std::string& address :
       {"postgresql://postgres:hunter2@127.0.0.1:1/" + database_,
        std::string("host=127.0.0.1 port=1 dbname=x user=hunter2 password=hunter2"),
        "postgresql://postgres:hunter2@127.0.0.1:" + port + "/no_such_database",
        "postgresql://nobody_hunter2:hunter2@127.0.0.1:" + port + "/" + database_}) {
    const auto registry = Open(address);
    for (const auto& error : {FindNow(*registry, TestKey(1)).error(), registry->List({}).error(),
                              registry->Health().error()}) {
      EXPECT_THAT(error.message, Not(HasSubstr("hunter2"))) << address;
      EXPECT_FALSE(error.message.empty());
    }
  }
  for (const char* address : {"postgresql://u:hunter2@[", "password=x hunter2",
                              "hunter2=1 dbname=x", "postgresql://h?sslmode=hunter2%"}) {
    const auto refused = PostgresRegistry::Open(address, clock_);
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message, Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace jitwg::registry
