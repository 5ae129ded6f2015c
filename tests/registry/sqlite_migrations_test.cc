// Files of older schema versions: brought up to date in place, by however many at once.
#include "lib/registry/sqlite_migrations.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "lib/registry/sqlite_registry.h"
#include "lib/registry/sqlite_schema.h"
#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

class SqliteMigrationsTest : public testing::Test {
 protected:
  SqliteMigrationsTest() {
    std::string pattern = testing::TempDir() + "jitwg-migrate-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~SqliteMigrationsTest() override { std::filesystem::remove_all(directory_); }

  // A file as the first release left it, with one peer that has one address.
  std::string FileOfVersion1(const std::string& name) {
    std::string path = directory_ + "/" + name;
    std::ofstream(path).close();
    auto raw = std::move(*SqliteDatabase::Open(path));
    EXPECT_TRUE(raw.Execute("PRAGMA journal_mode = WAL"));
    EXPECT_TRUE(Migrate(raw, 0, 1));
    const std::string key = "x'" + ToHex(TestKey(1).bytes) + "'";
    const std::string ends = "x'0a080002000000000000000000000000'";
    const std::string rows = "INSERT INTO peer VALUES (" + key +
                             ", 'old', 'default', NULL, 25, 0, '', 1, NULL, 7, 8);"
                             "INSERT INTO allowed_ip VALUES (" +
                             key + ", 0, 'default', 4, " + ends + ", " + ends + ", 32)";
    EXPECT_TRUE(raw.Execute(rows.c_str()));
    EXPECT_EQ(raw.QueryNumber("PRAGMA user_version").value(), 1);
    return path;
  }

  ManualClock clock_;
  std::string directory_;
};

TEST_F(SqliteMigrationsTest, AFileOfVersion1IsBroughtUpToDateWithItsPeers) {
  const std::string path = FileOfVersion1("r.db");
  const auto registry = SqliteRegistry::Open(path, clock_);
  ASSERT_TRUE(registry) << registry.error().message;
  const auto found = FindNow(**registry, TestKey(1));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->name, "old");
  EXPECT_EQ((*found)->allowed_ips.front().ToString(), "10.8.0.2/32");
  auto raw = std::move(*SqliteDatabase::Open(path));
  EXPECT_EQ(raw.QueryNumber("PRAGMA user_version").value(), kSchemaVersion);
  EXPECT_EQ(raw.QueryNumber("SELECT count(*) FROM sighting").value(), 0);
}

TEST_F(SqliteMigrationsTest, AStepThatFailsLeavesTheFileAsItWas) {
  const std::string path = FileOfVersion1("r.db");
  auto raw = std::move(*SqliteDatabase::Open(path));
  ASSERT_TRUE(raw.Execute("CREATE TABLE sighting (in_the_way TEXT)"));
  EXPECT_FALSE(SqliteRegistry::Open(path, clock_));
  EXPECT_EQ(raw.QueryNumber("PRAGMA user_version").value(), 1);
  EXPECT_EQ(
      raw.QueryNumber("SELECT count(*) FROM sqlite_schema WHERE name IN ('network', 'gateway')")
          .value(),
      0);
}

TEST_F(SqliteMigrationsTest, ProcessesThatOpenAnOldFileAtOnceAllGetIt) {
  constexpr int kOpeners = 4;
  for (int file = 0; file < 10; ++file) {
    const std::string path = FileOfVersion1(std::to_string(file) + ".db");
    std::vector<pid_t> children;
    for (int i = 0; i < kOpeners; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        const auto registry = SqliteRegistry::Open(path, clock_);
        ::_exit(registry && FindNow(**registry, TestKey(1)).has_value() ? 0 : 1);
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = -1;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << file;
    }
  }
}

}  // namespace
}  // namespace jitwg::registry
