// The small parts: times, targets, tokens, rates, the change feed, chaos, settings.
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "peer-api/peer_fields.h"
#include "peer-api/settings.h"
#include "peer-api/times.h"
#include "tests/peer-api/service_fixture.h"

namespace jitwg::api {
namespace {

using std::chrono_literals::operator""ms;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Times, AreReadAndWrittenAsRfc3339) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
      {"2028-02-29t23:59:59.1z", "2028-02-29T23:59:59.100000Z"},
      {"2027-01-01T00:30:00+01:00", "2026-12-31T23:30:00Z"},
      {"2027-01-01T00:00:00.123456789-00:30", "2027-01-01T00:30:00.123456Z"},
      {"2261-12-31T23:59:59Z", "2261-12-31T23:59:59Z"}};
  for (const auto& [text, expected] : cases) {
    const auto time = ParseTime(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(FormatTime(*time), expected);
  }
  for (const char* bad :
       {"", "2027", "2027-01-01", "2027-01-01 00:00:00Z", "2027-01-01T00:00:00",
        "2027-02-29T00:00:00Z", "2027-01-01T24:00:00Z", "2027-01-01T00:00:00.Z",
        "2027-01-01T00:00:00Zx", "1969-12-31T23:59:59Z", "2262-01-01T00:00:00Z",
        "2027-13-01T00:00:00Z", "2027-01-01T00:00:00.1234567890Z", "2027-01-01T00:00:00+1:00",
        // Of another year than is written there.
        "1970-01-01T00:00:00+00:01", "2261-12-31T23:59:59-00:01"}) {
    EXPECT_FALSE(ParseTime(bad)) << bad;
  }
}

TEST(Endpoints, AreReadAsTheyAreWritten) {
  for (const char* text : {"192.0.2.1:0", "[2001:db8::1]:65535", "[fe80::1%2]:51820"}) {
    const auto endpoint = ParseEndpointText(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->ToString(), text);
  }
  for (const char* bad : {"", ":", "192.0.2.1", "192.0.2.1:65536", "192.0.2.1:-1", "[192.0.2.1]:1",
                          "2001:db8::1:1", "192.0.2.1%1:1", "[fe80::1%eth0]:1", "[]:1", "host:1"}) {
    EXPECT_FALSE(ParseEndpointText(bad)) << bad;
  }
}

TEST(TokenFile, FaultsNameTheLineAndNeverTheToken) {
  const auto fault = [](std::string_view text) {
    const auto tokens = Tokens::Parse(text);
    EXPECT_FALSE(tokens) << text;
    return tokens ? "" : tokens.error().message;
  };
  EXPECT_THAT(fault("admin short-token"), HasSubstr("line 1"));
  EXPECT_EQ(fault("admin short-token").find("short-token"), std::string::npos);
  EXPECT_THAT(fault("# x\nroot a-token-long-enough\n"), HasSubstr("line 2"));
  EXPECT_THAT(fault("admin one-token two-tokens-here"), HasSubstr("blanks"));
  EXPECT_THAT(fault("admin same-token-is-here\ngateway same-token-is-here"), HasSubstr("already"));
  EXPECT_THAT(fault("\n# nothing\n"), HasSubstr("no token"));
  EXPECT_EQ(Tokens::Parse(kTokens)->size(), 2U);
}

TEST(TokenFile, IsItsOwnersAlone) {
  const std::string path = testing::TempDir() + "jitwg-tokens-" + std::to_string(::getpid());
  std::ofstream(path) << kTokens;
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  const auto open_to_group = Tokens::Load(path);
  ASSERT_FALSE(open_to_group);
  EXPECT_EQ(open_to_group.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(open_to_group.error().message, HasSubstr("chmod 600"));
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(Tokens::Load(path));
  std::filesystem::remove(path);
  EXPECT_EQ(Tokens::Load(path).error().code, ErrorCode::kNotFound);
}

TEST(RateLimiterTest, AFloodOfNamesTakesNoMoreMemory) {
  const ManualClock clock;
  RateLimiter limiter(clock);
  for (std::size_t i = 0; i < 3 * RateLimiter::kMaxBuckets; ++i) {
    (void)limiter.Allow(std::to_string(i), {1, 1});
  }
  EXPECT_LE(limiter.size(), RateLimiter::kMaxBuckets + 1);
  EXPECT_FALSE(limiter.Allow("0", {1, 1}));
}

TEST(ChangeFeedTest, ACursorLeadsThroughAllChangesInPages) {
  ChangeFeed feed(1);
  std::string cursor = feed.Next(std::nullopt, 0ms)->cursor;
  for (unsigned i = 0; i < ChangeFeed::kMostAtOnce + 5; ++i) {
    PublicKey key;
    key.bytes[0] = static_cast<std::uint8_t>(i);
    key.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    feed.Add({key});
  }
  const auto first = feed.Next(cursor, 0ms);
  EXPECT_EQ(first->keys.size(), ChangeFeed::kMostAtOnce);
  const auto second = feed.Next(first->cursor, 0ms);
  EXPECT_EQ(second->keys.size(), 5U);
  EXPECT_TRUE(feed.Next(second->cursor, 0ms)->keys.empty());
  EXPECT_FALSE(feed.Next(second->cursor, 0ms)->reset);
}

TEST(ChangeFeedTest, WhoeverMissedSomethingIsTold) {
  ChangeFeed feed(1);
  ChangeFeed other(1);
  const std::string cursor = feed.Next(std::nullopt, 0ms)->cursor;
  EXPECT_TRUE(other.Next(cursor, 0ms)->reset);
  EXPECT_TRUE(feed.Next("", 0ms)->reset);
  EXPECT_TRUE(feed.Next(cursor + "0", 0ms)->reset);
  feed.Add({TestKey(1)});
  feed.Add({});
  EXPECT_TRUE(feed.Next(cursor, 0ms)->reset);
  const std::string fresh = feed.Next(cursor, 0ms)->cursor;
  EXPECT_FALSE(feed.Next(fresh, 0ms)->reset);
  for (std::size_t i = 0; i < ChangeFeed::kKept; ++i) feed.Add({TestKey(1)});
  EXPECT_FALSE(feed.Next(fresh, 0ms)->reset);
  feed.Add({TestKey(1)});
  EXPECT_TRUE(feed.Next(fresh, 0ms)->reset);
}

TEST(ChangeFeedTest, WhatChangedTwiceIsToldOnce) {
  ChangeFeed feed(1);
  const std::string cursor = feed.Next(std::nullopt, 0ms)->cursor;
  for (const unsigned number : {2U, 1U, 2U}) feed.Add({TestKey(number)});
  EXPECT_THAT(feed.Next(cursor, 0ms)->keys, ElementsAre(TestKey(1), TestKey(2)));
}

TEST(ChaosTest, SharesAreKeptAndSeeded) {
  EXPECT_FALSE(ParseChaos({"fail=1.1"}));
  EXPECT_FALSE(ParseChaos({"fail=0.6", "hang=0.6"}));
  EXPECT_FALSE(ParseChaos({"delay=7"}));
  EXPECT_FALSE(ParseChaos({"panic=1"}));
  EXPECT_FALSE(ParseChaos({"fail"}));
  EXPECT_FALSE(ParseChaos({"fail=nan"}));
  Chaos chaos(ParseChaos({"fail=0.25", "garbage=0.25", "seed=7"}).value());
  std::map<int, int> answers;
  for (int i = 0; i < 4000; ++i) {
    const auto struck = chaos.Strike();
    ++answers[struck ? struck->status : 0];
  }
  EXPECT_NEAR(answers[503], 1000, 150);
  EXPECT_NEAR(answers[200], 1000, 150);
  EXPECT_FALSE(Chaos(std::nullopt).Strike());
}

struct Outcome {
  std::variant<Settings, int> settings;
  std::string err;
};

Outcome Read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "jitwg-peer-api");
  std::ostringstream out;
  std::ostringstream err;
  auto settings = ReadSettings(static_cast<int>(arguments.size()), arguments.data(), out, err);
  return {std::move(settings), err.str()};
}

TEST(ApiSettings, OtherMachinesAreServedWithTlsOrAWord) {
  EXPECT_THAT(Read({"--listen", "0.0.0.0:80"}).err, HasSubstr("--tls-certificate"));
  EXPECT_THAT(Read({"--listen", "[::]:80"}).err, HasSubstr("--allow-plain"));
  EXPECT_EQ(Read({"--listen", "0.0.0.0:80", "--allow-plain"}).err, "");
  EXPECT_EQ(Read({"--listen", "[::1]:80"}).err, "");
  EXPECT_THAT(Read({"--tls-certificate", "x"}).err, HasSubstr("tls-key"));
  EXPECT_THAT(Read({"--listen", "localhost:80"}).err, HasSubstr("no address and port"));
}

TEST(ApiSettings, ChaosWantsAnAdmission) {
  EXPECT_THAT(Read({"--chaos", "fail=0.5"}).err, HasSubstr("--chaos-is-for-tests"));
  const auto admitted = Read({"--chaos", "fail=0.5,delay=1s", "--chaos-is-for-tests"});
  const auto* settings = std::get_if<Settings>(&admitted.settings);
  ASSERT_NE(settings, nullptr) << admitted.err;
  EXPECT_EQ(settings->service.chaos->fail, 0.5);
  EXPECT_THAT(Read({"--chaos", "fail=2", "--chaos-is-for-tests"}).err, HasSubstr("share"));
}

TEST(ApiSettings, ServerSidesAreWhole) {
  const std::string key = "default=" + TestKey(1).ToBase64();
  const auto good = Read({"--wireguard-endpoint", "default=vpn.example.org:51820",
                          "--wireguard-public-key", key.c_str(), "--client-dns", "default=10.0.0.1",
                          "--client-allowed-ips", "default=10.0.0.0/8"});
  const auto* settings = std::get_if<Settings>(&good.settings);
  ASSERT_NE(settings, nullptr) << good.err;
  EXPECT_EQ(settings->service.server_sides.at("default").public_key, TestKey(1));
  EXPECT_EQ(settings->service.server_sides.at("default").dns.size(), 1U);
  EXPECT_THAT(Read({"--wireguard-endpoint", "default=vpn.example.org:51820"}).err,
              HasSubstr("wireguard-public-key"));
  EXPECT_THAT(Read({"--wireguard-public-key", key.c_str()}).err, HasSubstr("wireguard-endpoint"));
  EXPECT_THAT(Read({"--client-dns", "nowhere"}).err, HasSubstr("NAME=VALUE"));
  EXPECT_THAT(Read({"--client-allowed-ips", "default=10.0.0.1/8"}).err, HasSubstr("10.0.0.0/8"));
}

}  // namespace
}  // namespace jitwg::api
