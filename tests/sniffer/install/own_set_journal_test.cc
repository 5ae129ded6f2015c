// The journal as a file: survives its process, yields to nobody, stays small.
#include "sniffer/install/own_set_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/sniffer/install/contract_harness.h"
#include "tests/sniffer/install/temp_folder.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::TempFolder;
using jitwg::testing::TestKey;
using ::testing::HasSubstr;

class OwnSetJournalTest : public ::testing::Test {
 protected:
  OwnSetJournal::Opened Open() {
    auto opened = OwnSetJournal::Open(path_, identity_);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : OwnSetJournal::Opened{};
  }
  static Status Add(OwnSetJournal& journal, unsigned n) {
    const OwnRecord record{TestKey(n), 100 + n};
    return journal.Add(std::span(&record, 1));
  }
  static Status Drop(OwnSetJournal& journal, unsigned n) {
    const PublicKey key = TestKey(n);
    return journal.Drop(std::span(&key, 1));
  }
  void WriteFile(const std::string& text) const { std::ofstream(path_) << text; }

  TempFolder folder_;
  std::string path_ = folder_ / "state/wg0.own";
  JournalIdentity identity_ = *CurrentIdentity(7, TestKey(1000));
};

TEST_F(OwnSetJournalTest, RemembersAcrossProcesses) {
  {
    auto opened = Open();
    EXPECT_TRUE(opened.own.empty());
    for (const unsigned n : {1u, 2u, 3u}) ASSERT_TRUE(Add(*opened.journal, n));
    ASSERT_TRUE(Drop(*opened.journal, 2));
  }
  for (int round = 0; round < 3; ++round) {
    const auto opened = Open();
    EXPECT_EQ(opened.warning, "");
    EXPECT_THAT(opened.own, ::testing::UnorderedElementsAre(OwnRecord{TestKey(1), 101},
                                                            OwnRecord{TestKey(3), 103}));
  }
}

TEST_F(OwnSetJournalTest, IsForItsOwnerOnly) {
  const auto opened = Open();
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(OwnSetJournalTest, ASecondSnifferIsTurnedAway) {
  const auto opened = Open();
  const auto second = OwnSetJournal::Open(path_, identity_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
}

TEST_F(OwnSetJournalTest, RefusesALinkAFolderAndAFileThatOthersCanWrite) {
  std::filesystem::create_directory(folder_ / "state");
  std::filesystem::create_symlink("/etc/passwd", path_);
  auto refused = OwnSetJournal::Open(path_, identity_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(OwnSetJournal::Open(path_, identity_));
  std::filesystem::remove(path_);
  WriteFile("");
  ::chmod(path_.c_str(), 0666);
  refused = OwnSetJournal::Open(path_, identity_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(OwnSetJournalTest, KeepsADamagedFileAsideAndClaimsNothing) {
  std::filesystem::create_directory(folder_ / "state");
  WriteFile("somebody's notes");
  const auto opened = Open();
  EXPECT_TRUE(opened.own.empty());
  EXPECT_THAT(opened.warning, HasSubstr("wg0.own"));
  EXPECT_THAT(opened.warning, HasSubstr(".bad"));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".bad"));
  EXPECT_TRUE(Add(*opened.journal, 1));
}

TEST_F(OwnSetJournalTest, AHalfWrittenEndIsIgnoredAndMended) {
  {
    auto opened = Open();
    ASSERT_TRUE(Add(*opened.journal, 1));
    ASSERT_TRUE(Add(*opened.journal, 2));
  }
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 7);
  {
    auto opened = Open();
    EXPECT_THAT(opened.warning, HasSubstr("half-written"));
    EXPECT_EQ(opened.own, (std::vector<OwnRecord>{{TestKey(1), 101}}));
    ASSERT_TRUE(Add(*opened.journal, 3));
  }
  EXPECT_EQ(Open().own.size(), 2u);
}

TEST_F(OwnSetJournalTest, StaysSmallHoweverOftenPeersComeAndGo) {
  auto opened = Open();
  std::size_t largest = 0;
  for (unsigned i = 0; i < 5000; ++i) {
    ASSERT_TRUE(Add(*opened.journal, 1));
    ASSERT_TRUE(Drop(*opened.journal, 1));
    largest = std::max(largest, opened.journal->size_bytes());
  }
  EXPECT_LE(largest, kJournalHeaderSize + (kJournalSlackRecords + 2) * kJournalRecordSize);
  EXPECT_EQ(std::filesystem::file_size(path_), opened.journal->size_bytes());
  ASSERT_TRUE(Add(*opened.journal, 2));
  opened.journal.reset();
  EXPECT_EQ(Open().own.size(), 1u);
}

TEST_F(OwnSetJournalTest, AFullDiskFailsTheCallAndLeavesNoHalfRecord) {
  auto opened = Open();
  ASSERT_TRUE(Add(*opened.journal, 1));
  // A limit on the file's size stands in for the disk's.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit full = before;
  full.rlim_cur = opened.journal->size_bytes() + 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const Status refused = Add(*opened.journal, 2);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(refused);
  ASSERT_TRUE(Add(*opened.journal, 3));
  opened.journal.reset();
  const auto again = Open();
  EXPECT_EQ(again.warning, "");
  EXPECT_THAT(again.own, ::testing::UnorderedElementsAre(OwnRecord{TestKey(1), 101},
                                                         OwnRecord{TestKey(3), 103}));
}

TEST_F(OwnSetJournalTest, ANewInterfaceObjectStartsOver) {
  {
    auto opened = Open();
    ASSERT_TRUE(Add(*opened.journal, 1));
    identity_.ifindex = 8;
    ASSERT_TRUE(opened.journal->Reset(identity_, {}));
    ASSERT_TRUE(Add(*opened.journal, 2));
    identity_.public_key = TestKey(1001);
    ASSERT_TRUE(opened.journal->Rename(identity_));
  }
  EXPECT_EQ(Open().own, (std::vector<OwnRecord>{{TestKey(2), 102}}));
}

TEST_F(OwnSetJournalTest, AFolderThatCannotBeMadeIsAnError) {
  const auto opened = OwnSetJournal::Open("/proc/none/wg0.own", identity_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("/proc/none"));
}

}  // namespace
}  // namespace jitwg::sniffer
