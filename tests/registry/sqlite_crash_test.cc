// A process that is killed while it writes leaves a sound registry with all that it had been told
// was stored.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>

#include "lib/registry/sqlite_registry.h"
#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

std::string PrefixOf(unsigned number) {
  return "10." + std::to_string(number / 256) + "." + std::to_string(number % 256) + ".0/24";
}

// Stores peers without end and says so, one byte each.
[[noreturn]] void WriteForEver(const std::string& path, unsigned first, int progress) {
  const SystemClock clock;
  const auto registry = SqliteRegistry::Open(path, clock);
  if (!registry) ::_exit(1);
  for (unsigned i = first; i < 60'000; ++i) {
    if (!(*registry)->Put(TestPeer(i, {PrefixOf(i)}), false)) ::_exit(2);
    if (::write(progress, "x", 1) != 1) ::_exit(3);
  }
  ::_exit(4);
}

// Kills the writer after it said `stored` times that a peer is stored.
void RunAndKill(const std::string& path, unsigned first, unsigned stored) {
  int pipe[2] = {};
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    WriteForEver(path, first, pipe[1]);
  }
  ::close(pipe[1]);
  for (unsigned i = 0; i < stored; ++i) {
    char byte = 0;
    ASSERT_EQ(::read(pipe[0], &byte, 1), 1);
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ::close(pipe[0]);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
}

TEST(SqliteCrash, WhatWasStoredSurvivesAKilledWriter) {
  std::string pattern = testing::TempDir() + "jitwg-crash-XXXXXX";
  const std::string directory = ::mkdtemp(pattern.data());
  const std::string path = directory + "/r.db";
  std::mt19937 random(20261123);
  unsigned next = 1;
  for (int round = 0; round < 10; ++round) {
    const unsigned stored = 1 + static_cast<unsigned>(random() % 60);
    ASSERT_NO_FATAL_FAILURE(RunAndKill(path, next, stored));
    auto raw = SqliteDatabase::Open(path);
    ASSERT_TRUE(raw);
    auto check = SqliteStatement::Prepare(*raw, "PRAGMA integrity_check");
    ASSERT_TRUE(check && check->Step());
    EXPECT_EQ(check->Text(0), "ok");
    const SystemClock clock;
    const auto registry = SqliteRegistry::Open(path, clock);
    ASSERT_TRUE(registry) << registry.error().message;
    for (const unsigned end = next + stored; next < end; ++next) {
      const auto found = FindNow(**registry, TestKey(next));
      ASSERT_TRUE(found && *found) << next;
      EXPECT_EQ((*found)->allowed_ips.front().ToString(), PrefixOf(next));
    }
    // What was written but not told may be there too, whole.
    for (;; ++next) {
      const auto found = FindNow(**registry, TestKey(next));
      ASSERT_TRUE(found);
      if (!*found) break;
    }
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace jitwg::registry
