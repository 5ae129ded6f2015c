#include "provisioner/replay_memory.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

class ReplayMemoryTest : public ::testing::Test {
 protected:
  std::unique_ptr<ReplayMemory> Open(std::size_t cache = ReplayMemory::kMaxCached) {
    auto memory = ReplayMemory::Open(directory_.path(), cache);
    EXPECT_TRUE(memory) << memory.error().message;
    return memory ? std::move(*memory) : nullptr;
  }
  int CountAside() const {
    int aside = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      const std::string name = entry.path().filename();
      aside += name.starts_with("replay.db.damaged-") && !name.ends_with("-wal") ? 1 : 0;
    }
    return aside;
  }
  std::string file() const { return directory_.path() + "/replay.db"; }
  void Execute(const char* sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }

  TemporaryDirectory directory_;
};

TEST_F(ReplayMemoryTest, KnowsNothingAtFirst) { EXPECT_EQ(*Open()->Newest(Key(1)), std::nullopt); }

TEST_F(ReplayMemoryTest, StampsOnlyRise) {
  const auto memory = Open();
  ASSERT_TRUE(memory->Raise({{Key(1), Stamp(5)}}));
  ASSERT_TRUE(memory->Raise({{Key(1), Stamp(3)}, {Key(2), Stamp(1)}}));
  EXPECT_EQ(*memory->Newest(Key(1)), Stamp(5));
  memory->RaiseSoon(Key(1), Stamp(4));
  EXPECT_EQ(*memory->Newest(Key(1)), Stamp(5));
  memory->RaiseSoon(Key(1), Stamp(6));
  EXPECT_EQ(*memory->Newest(Key(1)), Stamp(6));
  ASSERT_TRUE(memory->Flush());
  EXPECT_EQ(*memory->Newest(Key(1)), Stamp(6));
}

TEST_F(ReplayMemoryTest, SurvivesAReopening) {
  {
    const auto memory = Open();
    ASSERT_TRUE(memory->Raise({{Key(1), Stamp(5)}}));
    memory->RaiseSoon(Key(2), Stamp(6));
  }
  const auto memory = Open();
  EXPECT_EQ(*memory->Newest(Key(1)), Stamp(5));
  EXPECT_EQ(*memory->Newest(Key(2)), Stamp(6));
}

TEST_F(ReplayMemoryTest, SurvivesAKill) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto memory = ReplayMemory::Open(directory_.path());
    const bool stored = memory && (*memory)->Raise({{Key(1), Stamp(5)}});
    if (stored) ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(*Open()->Newest(Key(1)), Stamp(5));
}

// A memory that has all of the file says "never" without looking there, also after it overflowed.
TEST_F(ReplayMemoryTest, ACacheThatOverflowsKnowsThatItDoesNotKnowAll) {
  {
    const auto memory = Open(4);
    for (std::uint16_t i = 0; i < 4; ++i) ASSERT_TRUE(memory->Raise({{Key(i), Stamp(i)}}));
    EXPECT_EQ(*memory->Newest(Key(9)), std::nullopt);
  }
  const auto memory = Open(4);
  for (std::uint16_t i = 0; i < 4; ++i) EXPECT_EQ(*memory->Newest(Key(i)), Stamp(i));
  ASSERT_TRUE(memory->Raise({{Key(4), Stamp(4)}, {Key(5), Stamp(5)}}));
  for (std::uint16_t i = 0; i < 6; ++i) EXPECT_EQ(*memory->Newest(Key(i)), Stamp(i));
  EXPECT_EQ(*memory->Newest(Key(9)), std::nullopt);
  ASSERT_TRUE(memory->Forget(Key(5)));
  EXPECT_EQ(*memory->Newest(Key(5)), std::nullopt);
}

TEST_F(ReplayMemoryTest, ASmallCacheForgetsNothing) {
  const auto memory = Open(2);
  for (std::uint16_t i = 0; i < 10; ++i) ASSERT_TRUE(memory->Raise({{Key(i), Stamp(i)}}));
  for (int round = 0; round < 2; ++round) {
    for (std::uint16_t i = 0; i < 10; ++i) EXPECT_EQ(*memory->Newest(Key(i)), Stamp(i));
  }
}

TEST_F(ReplayMemoryTest, ARaiseIsSeenThroughTheCache) {
  const auto memory = Open();
  ASSERT_TRUE(memory->Raise({{Key(1), Stamp(1)}}));
  EXPECT_EQ(*memory->Newest(Key(1)), Stamp(1));
  ASSERT_TRUE(memory->Raise({{Key(1), Stamp(2)}}));
  EXPECT_EQ(*memory->Newest(Key(1)), Stamp(2));
}

TEST_F(ReplayMemoryTest, WhatWaitsForTheDiskIsBounded) {
  const auto memory = Open();
  for (std::uint16_t i = 0; i < 1000; ++i) memory->RaiseSoon(Key(i), Stamp(i));
  for (std::uint16_t i = 0; i < 1000; ++i) EXPECT_EQ(*memory->Newest(Key(i)), Stamp(i));
}

TEST_F(ReplayMemoryTest, FilesAreForTheOwnerOnly) {
  std::ofstream(file()).close();
  ASSERT_EQ(::chmod(file().c_str(), 0644), 0);
  const auto memory = Open();
  ASSERT_TRUE(memory->Raise({{Key(1), Stamp(1)}}));
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    const auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
    EXPECT_EQ(entry.status().permissions() & others, std::filesystem::perms::none) << entry.path();
  }
}

TEST_F(ReplayMemoryTest, ADamagedFileIsSetAsideAndANewOneBegun) {
  { ASSERT_TRUE(Open()->Raise({{Key(1), Stamp(5)}})); }
  std::ofstream(file(), std::ios::trunc) << std::string(8192, 'x');
  const auto memory = Open();
  EXPECT_EQ(*memory->Newest(Key(1)), std::nullopt);
  ASSERT_TRUE(memory->Raise({{Key(1), Stamp(1)}}));
  EXPECT_EQ(CountAside(), 1);
}

TEST_F(ReplayMemoryTest, APageThatRottedInsideIsNoticed) {
  {
    const auto memory = Open();
    std::vector<KeyStamp> stamps;
    for (std::uint16_t i = 0; i < 2000; ++i) stamps.emplace_back(Key(i), Stamp(i));
    ASSERT_TRUE(memory->Raise(stamps));
  }
  std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(std::streamoff{4096} * 3);
  stream << std::string(4096, '\xff');
  stream.close();
  const auto memory = Open();
  EXPECT_EQ(CountAside(), 1);
  EXPECT_EQ(*memory->Newest(Key(7)), Stamp(7));  // before the rotten page, and saved
  EXPECT_EQ(*memory->Newest(Key(1999)), std::nullopt);
}

TEST_F(ReplayMemoryTest, AFileOfANewerVersionIsRefused) {
  { ASSERT_TRUE(Open()->Raise({{Key(1), Stamp(5)}})); }
  Execute("PRAGMA user_version = 99");
  const auto memory = ReplayMemory::Open(directory_.path());
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(ReplayMemoryTest, AnotherProgramsDatabaseIsRefused) {
  Execute("CREATE TABLE other (a); PRAGMA application_id = 5");
  const auto memory = ReplayMemory::Open(directory_.path());
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(ReplayMemoryTest, ASecondProcessIsRefused) {
  const auto first = Open();
  const auto second = ReplayMemory::Open(directory_.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
}

TEST_F(ReplayMemoryTest, AMissingDirectoryIsNamed) {
  const auto memory = ReplayMemory::Open("/nonexistent/jitwg");
  ASSERT_FALSE(memory);
  EXPECT_NE(memory.error().message.find("/nonexistent/jitwg/replay.db"), std::string::npos);
}

TEST_F(ReplayMemoryTest, ADamageNoticedAtRunTimeIsRepairedWithWhatMemoryHolds) {
  const auto memory = Open(/*cache=*/1);
  std::vector<KeyStamp> stamps;  // more than SQLite keeps of the file in memory
  for (int i = 0; i < 65536; ++i) stamps.emplace_back(Key(static_cast<std::uint16_t>(i)), Stamp(5));
  ASSERT_TRUE(memory->Raise(stamps));
  ASSERT_EQ(*memory->Newest(Key(65535)), Stamp(5));
  for (const char* suffix : {"", "-wal"}) {
    const std::string path = file() + suffix;
    const auto size = std::filesystem::file_size(path);
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream << std::string(size, 'x');
  }
  for (int i = 0; i < 65536; i += 64) {
    ASSERT_TRUE(memory->Newest(Key(static_cast<std::uint16_t>(i))));
  }
  EXPECT_EQ(CountAside(), 1);
  ASSERT_TRUE(memory->Raise({{Key(1), Stamp(6)}}));
  EXPECT_EQ(*memory->Newest(Key(1)), Stamp(6));
}

TEST_F(ReplayMemoryTest, AForgottenStampIsForgottenEverywhere) {
  auto memory = Open();
  ASSERT_TRUE(memory->Raise({{Key(1), Stamp(5)}}));
  ASSERT_EQ(*memory->Newest(Key(1)), Stamp(5));
  memory->RaiseSoon(Key(1), Stamp(6));
  EXPECT_EQ(*memory->Forget(Key(1)), Stamp(6));
  EXPECT_EQ(*memory->Newest(Key(1)), std::nullopt);
  EXPECT_EQ(*memory->Forget(Key(1)), std::nullopt);
  memory.reset();
  EXPECT_EQ(*Open()->Newest(Key(1)), std::nullopt);
}

}  // namespace
}  // namespace jitwg::provisioner
