// How texts become values.
#include "lib/base/config_values.h"

#include <gtest/gtest.h>

#include <limits>

namespace jitwg {
namespace {

using std::chrono::milliseconds;

TEST(ParseDuration, ReadsEveryUnitAndSums) {
  const std::pair<const char*, std::int64_t> cases[] = {{"500ms", 500},
                                                        {"10s", 10'000},
                                                        {"5m", 300'000},
                                                        {"24h", 86'400'000},
                                                        {"0", 0},
                                                        {"0s", 0},
                                                        {"1m30s", 90'000},
                                                        {"1h1m1s1ms", 3'661'001},
                                                        {"300s", 300'000},
                                                        {"007s", 7000},
                                                        {"876000h", 876'000LL * 3'600'000}};
  for (const auto& [text, expected] : cases) {
    const auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->count(), expected) << text;
  }
}

TEST(ParseDuration, RefusesWhatHasNoUnitOrIsTooMuch) {
  for (const char* text :
       {"", "10", "s", "10 s", " 10s", "10s ", "-1s", "+1s", "1.5s", "1d", "1mss", "10S",
        "9223372036854775807h", "99999999999999999999s", "1h-2m"}) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(parsed.error().message.find("500ms, 10s, 5m or 24h"), std::string::npos);
  }
}

TEST(FormatDuration, WritesWhatParseReadsBack) {
  EXPECT_EQ(FormatDuration(milliseconds(0)), "0s");
  EXPECT_EQ(FormatDuration(milliseconds(90'500)), "1m30s500ms");
  for (const std::int64_t count : {1, 999, 1000, 60'000, 3'600'000, 86'399'999}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(milliseconds(count))), milliseconds(count));
  }
}

TEST(ParseNumber, KeepsToItsBounds) {
  EXPECT_EQ(*ParseNumber("0", 0, 10), 0);
  EXPECT_EQ(*ParseNumber("-3", -3, 10), -3);
  for (const char* text : {"11", "-1", "", "1x", "0x1", " 1", "1.0", "99999999999999999999"}) {
    ASSERT_FALSE(ParseNumber(text, 0, 10)) << text;
  }
  EXPECT_NE(ParseNumber("11", 0, 10).error().message.find("0..10"), std::string::npos);
}

TEST(ParseBool, KnowsYesAndNo) {
  for (const char* text : {"true", "yes", "on", "1"}) EXPECT_TRUE(*ParseBool(text)) << text;
  for (const char* text : {"false", "no", "off", "0"}) EXPECT_FALSE(*ParseBool(text)) << text;
  for (const char* text : {"", "2", "True", "maybe"}) EXPECT_FALSE(ParseBool(text)) << text;
}

TEST(ParseFileMode, ReadsOctalOnly) {
  EXPECT_EQ(ParseFileMode("0660")->bits, 0660U);
  EXPECT_EQ(ParseFileMode("7")->bits, 7U);
  EXPECT_EQ(FormatFileMode({0640}), "0640");
  for (const char* text : {"", "0680", "1000", "0o660", "-1", "rw"}) {
    EXPECT_FALSE(ParseFileMode(text)) << text;
  }
}

TEST(ParseInterfacePrefix, SplitsNameAndPrefix) {
  const auto v6 = ParseInterfacePrefix("wg0=fd08::/64");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->interface, "wg0");
  EXPECT_EQ(v6->prefix.ToString(), "fd08::/64");
}

TEST(ParseInterfacePrefix, RefusesAndSaysHow) {
  const std::pair<const char*, const char*> cases[] = {
      {"wg0", "INTERFACE=PREFIX"},
      {"=10.0.0.0/8", "no interface name"},
      {"wg0=", "no prefix"},
      {"wg0=10.0.0.0/33", "0..32"},
      {"wg0=10.8.0.1/16", "10.8.0.0/16 for the network"},
      {"a-name-that-is-too-long=10.0.0.0/8", "1 to 15"}};
  for (const auto& [text, expected] : cases) {
    const auto parsed = ParseInterfacePrefix(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find(expected), std::string::npos) << parsed.error().message;
  }
}

TEST(CheckUnixAddress, WantsAnAbsolutePathThatFits) {
  EXPECT_TRUE(CheckUnixAddress("unix:/run/jitwg/sniffer.sock"));
  EXPECT_TRUE(CheckUnixAddress("/run/x"));
  EXPECT_TRUE(CheckUnixAddress("unix:/" + std::string(106, 'a')));
  EXPECT_FALSE(CheckUnixAddress("unix:/" + std::string(107, 'a')));
  for (const char* text : {"", "unix:", "unix:run/x", "run/x", "tcp:1.2.3.4:5"}) {
    EXPECT_FALSE(CheckUnixAddress(text)) << text;
  }
}

TEST(Quoted, IsAlwaysOneShortLine) {
  EXPECT_EQ(Quoted("a\nb\x1b"), "'a\\x0ab\\x1b'");
  EXPECT_LT(Quoted(std::string(10'000, 'x')).size(), 70U);
}

TEST(NearestName, FindsAMisspellingAndNothingFarAway) {
  const std::vector<std::string> names = {"listen", "interface", "evict-interval"};
  EXPECT_EQ(NearestName("lsiten", names), "listen");
  EXPECT_EQ(NearestName("evict_interval", names), "evict-interval");
  EXPECT_EQ(NearestName("interfaces", names), "interface");
  EXPECT_EQ(NearestName("registry", names), "");
  EXPECT_EQ(NearestName("", names), "");
}

}  // namespace
}  // namespace jitwg
