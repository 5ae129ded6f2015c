#include "lib/base/log.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <string>

namespace jitwg {
namespace {

// What `step` writes to standard error.
template <class Step>
std::string StderrOf(Step step) {
  ::testing::internal::CaptureStderr();
  step();
  spdlog::default_logger()->flush();
  return ::testing::internal::GetCapturedStderr();
}

TEST(LogTest, UnknownLevelIsRefusedWithTheNames) {
  for (const char* level : {"", "loud", "INFO", "warnings"}) {
    const auto status = InitLogging({.level = level, .json = false});
    ASSERT_FALSE(status.has_value()) << level;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(status.error().message.find("trace, debug, info, warn, error"), std::string::npos);
  }
}

TEST(LogTest, EveryNamedLevelIsTaken) {
  for (const char* level : {"trace", "debug", "info", "warn", "error", "off"}) {
    EXPECT_TRUE(InitLogging({.level = level, .json = false}).has_value()) << level;
  }
}

TEST(LogTest, LevelHidesWhatIsBelowIt) {
  ASSERT_TRUE(InitLogging({.level = "warn", .json = false}).has_value());
  const std::string text = StderrOf([] {
    spdlog::info("quiet");
    spdlog::warn("loud");
  });
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("loud"), std::string::npos);
}

TEST(LogTest, JsonLineStaysOneValidObjectWhateverTheMessage) {
  ASSERT_TRUE(InitLogging({.level = "info", .json = true}).has_value());
  const std::string message = "peer \"x\" \\ \n\t\x01 end";
  const std::string text = StderrOf([&] { spdlog::info("{}", message); });
  ASSERT_EQ(text.find('\n'), text.size() - 1);
  const auto line = nlohmann::json::parse(text);
  EXPECT_EQ(line.at("message"), message);
  EXPECT_EQ(line.at("level"), "info");
  EXPECT_EQ(line.at("time").get<std::string>().back(), 'Z');
}

TEST(LogTest, JsonLineSurvivesBytesThatAreNoUtf8) {
  ASSERT_TRUE(InitLogging({.level = "info", .json = true}).has_value());
  const std::string text = StderrOf([] { spdlog::info("{}", "a\xff\xfe z"); });
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
}

}  // namespace
}  // namespace jitwg
