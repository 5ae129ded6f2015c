#include "sniffer/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "tests/rpc/temp_dir.h"

namespace jitwg::sniffer {
namespace {

TEST(StateDir, IsMadeAndLockedUntilItsOwnerEnds) {
  const rpc::TempDir folder;
  const std::string path = folder.File("a/b");
  std::optional<StateDir> first;
  auto opened = StateDir::Open(path);
  ASSERT_TRUE(opened) << opened.error().message;
  first.emplace(std::move(*opened));
  const auto second = StateDir::Open(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr("--state-dir"));
  first.reset();
  EXPECT_TRUE(StateDir::Open(path));
}

TEST(StateDir, HasOnePathHoweverItWasWritten) {
  const rpc::TempDir folder;
  const std::string plain = StateDir::Open(folder.File("s"))->path();
  EXPECT_EQ(StateDir::Open(folder.File("s/"))->path(), plain);
  EXPECT_EQ(StateDir::Open(folder.File("s/../s/."))->path(), plain);
}

TEST(StateDir, AFileInItsPlaceIsRefused) {
  const rpc::TempDir folder;
  const std::string path = folder.File("f");
  ASSERT_TRUE(std::fclose(std::fopen(path.c_str(), "w")) == 0);
  EXPECT_FALSE(StateDir::Open(path));
}

}  // namespace
}  // namespace jitwg::sniffer
