// The key file: made once, kept, and refused when others could know or change it.
#include "ctl/gateway/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/sniffer/install/temp_folder.h"

namespace jitwg::ctl {
namespace {

using ::testing::HasSubstr;

class KeyFileTest : public ::testing::Test {
 protected:
  void Write(const std::string& text, mode_t mode = 0600) {
    std::ofstream(path_) << text;
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }
  Error ErrorOfReading() {
    const auto key = ReadKeyFile(path_);
    EXPECT_FALSE(key);
    return key ? Error{} : key.error();
  }
  std::size_t FilesInFolder() {
    const std::filesystem::directory_iterator files(folder_ / "");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }

  testing::TempFolder folder_;
  std::string path_ = folder_ / "wg0.key";
};

TEST_F(KeyFileTest, AnAbsentFileIsMadeOnceForItsOwnerAlone) {
  ::umask(0);
  const auto first = ReadOrMakeKeyFile(path_);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->made);
  struct stat facts {};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600u);
  const auto second = ReadOrMakeKeyFile(path_);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_FALSE(second->made);
  EXPECT_TRUE(second->key == first->key);
  EXPECT_EQ(FilesInFolder(), 1u);
}

TEST_F(KeyFileTest, TwoWhoMakeItAtOnceGetTheSameKey) {
  std::vector<PublicKey> keys(8);
  std::vector<std::thread> threads;
  for (PublicKey& key : keys) {
    threads.emplace_back([this, &key] {
      const auto kept = ReadOrMakeKeyFile(path_);
      if (kept) key = DerivePublicKey(kept->key);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(keys[0].IsZero());
  for (const PublicKey& key : keys) EXPECT_EQ(key, keys[0]);
  EXPECT_EQ(FilesInFolder(), 1u);
}

TEST_F(KeyFileTest, WhatOthersMayReadIsRefused) {
  const std::string text = SecretToBase64(GeneratePrivateKey()) + "\n";
  for (const mode_t mode : {0640u, 0604u, 0620u, 0602u, 0610u}) {
    Write(text, mode);
    EXPECT_EQ(ErrorOfReading().code, ErrorCode::kPermissionDenied) << std::oct << mode;
    EXPECT_THAT(ErrorOfReading().message, HasSubstr("chmod 0600"));
    EXPECT_FALSE(ReadOrMakeKeyFile(path_));
  }
  Write(text, 0400);
  EXPECT_TRUE(ReadKeyFile(path_));
}

TEST_F(KeyFileTest, WhatIsNoKeyIsRefusedAndNotReplaced) {
  for (const std::string text :
       {"", "secret words", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}) {
    Write(text);
    EXPECT_EQ(ErrorOfReading().code, ErrorCode::kInvalidArgument) << text;
    EXPECT_THAT(ErrorOfReading().message, ::testing::Not(HasSubstr("secret words")));
    EXPECT_FALSE(ReadOrMakeKeyFile(path_));
  }
}

TEST_F(KeyFileTest, ALinkAFolderAndAPipeAreRefused) {
  const std::string other = folder_ / "other";
  ASSERT_EQ(::symlink(other.c_str(), path_.c_str()), 0);
  EXPECT_EQ(ErrorOfReading().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(ReadOrMakeKeyFile(path_));
  ::unlink(path_.c_str());
  ASSERT_EQ(::mkdir(path_.c_str(), 0700), 0);
  EXPECT_EQ(ErrorOfReading().code, ErrorCode::kInvalidArgument);
  ::rmdir(path_.c_str());
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(ErrorOfReading().code, ErrorCode::kInvalidArgument);
}

TEST_F(KeyFileTest, AMissingFolderIsToldSo) {
  const auto kept = ReadOrMakeKeyFile(folder_ / "none/wg0.key");
  ASSERT_FALSE(kept);
  EXPECT_THAT(kept.error().message, HasSubstr("does its folder exist"));
}

TEST_F(KeyFileTest, AFileOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_FAIL() << "needs root, to make a file of another user";
  Write(SecretToBase64(GeneratePrivateKey()) + "\n");
  ASSERT_EQ(::chown(path_.c_str(), 4711, 4711), 0);
  EXPECT_EQ(ErrorOfReading().code, ErrorCode::kPermissionDenied);
}

}  // namespace
}  // namespace jitwg::ctl
