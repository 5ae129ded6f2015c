#include "provisioner/settings.h"

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace jitwg::provisioner {
namespace {

struct Outcome {
  std::variant<Settings, int> settings;
  std::string out;
  std::string err;
};

Outcome Read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "jitwg-provisioner");
  std::ostringstream out;
  std::ostringstream err;
  auto settings = ReadSettings(static_cast<int>(arguments.size()), arguments.data(), out, err);
  return {std::move(settings), out.str(), err.str()};
}

TEST(Settings, DefaultsServeOneGateway) {
  const auto outcome = Read({});
  const auto* settings = std::get_if<Settings>(&outcome.settings);
  ASSERT_NE(settings, nullptr) << outcome.err;
  EXPECT_EQ(settings->sniffer, "unix:/run/jitwg/sniffer.sock");
  EXPECT_EQ(settings->admin_access.mode, 0660U);
  EXPECT_FALSE(settings->identity.gateway.empty());
  const auto options = settings->ToOptions();
  EXPECT_EQ(options.coordinator.completion, Completion::kSnifferDefault);
  EXPECT_EQ(options.eviction.idle, std::chrono::seconds(300));
  EXPECT_EQ(options.eviction.unfinished, std::chrono::seconds(15));
  EXPECT_EQ(options.evict_interval, std::chrono::seconds(10));
}

TEST(Settings, TheStatusPageIsForThisHostUnlessAskedFor) {
  const auto shows = [](std::vector<const char*> arguments) {
    const auto outcome = Read(std::move(arguments));
    const auto* settings = std::get_if<Settings>(&outcome.settings);
    return settings != nullptr && settings->ShowsStatusPage();
  };
  EXPECT_FALSE(shows({}));
  EXPECT_FALSE(shows({"--status-page", "on"}));
  EXPECT_TRUE(shows({"--metrics-listen", "127.0.0.1:9587"}));
  EXPECT_FALSE(shows({"--metrics-listen", "127.0.0.1:9587", "--status-page", "off"}));
  EXPECT_FALSE(shows({"--metrics-listen", "192.0.2.1:9587", "--metrics-allow-remote"}));
  EXPECT_TRUE(shows(
      {"--metrics-listen", "192.0.2.1:9587", "--metrics-allow-remote", "--status-page", "on"}));
}

TEST(Settings, FlagsReachTheOptions) {
  const auto outcome = Read({"--completion", "retry", "--idle-timeout", "20s", "--max-lookups", "5",
                             "--network", "lab", "--gateway", "gw7", "--max-peers", "9"});
  const auto* settings = std::get_if<Settings>(&outcome.settings);
  ASSERT_NE(settings, nullptr) << outcome.err;
  const auto options = settings->ToOptions();
  EXPECT_EQ(options.coordinator.completion, Completion::kRetry);
  EXPECT_EQ(options.eviction.idle, std::chrono::seconds(20));
  EXPECT_EQ(options.eviction.max_peers, 9U);
  EXPECT_EQ(options.coordinator.max_lookups, 5U);
  EXPECT_EQ(options.coordinator.identity.network, "lab");
  EXPECT_EQ(options.coordinator.identity.gateway, "gw7");
}

TEST(Settings, ALocalFileNeedsNoCacheUnlessItIsWanted) {
  const auto local = Read({});
  EXPECT_FALSE(std::get<Settings>(local.settings).UsesCache());
  const auto wanted = Read({"--cache", "on", "--max-stale", "2h", "--negative-ttl", "3s",
                            "--cache-peers", "7", "--report-interval", "0s"});
  const auto* settings = std::get_if<Settings>(&wanted.settings);
  ASSERT_NE(settings, nullptr) << wanted.err;
  EXPECT_TRUE(settings->UsesCache());
  EXPECT_EQ(settings->cached_registry.max_stale, std::chrono::hours(2));
  EXPECT_EQ(settings->cached_registry.negative_ttl, std::chrono::seconds(3));
  EXPECT_EQ(settings->peer_cache.max_entries, 7U);
  EXPECT_EQ(settings->ToOptions().sightings.interval.count(), 0);
  EXPECT_EQ(settings->ToOptions().sightings.gateway, settings->identity.gateway);
}

TEST(Settings, EveryFaultIsNamedAtOnce) {
  const auto outcome =
      Read({"--sniffer", "tcp:1", "--registry", "mongo:x", "--completion", "magic", "--state-dir",
            "relative", "--max-lookups", "0", "--idle-timeout", "5", "--log-level", "loud"});
  ASSERT_TRUE(std::holds_alternative<int>(outcome.settings));
  EXPECT_EQ(std::get<int>(outcome.settings), 2);
  for (const char* name : {"sniffer", "registry", "completion", "state-dir", "max-lookups",
                           "idle-timeout", "log-level"}) {
    EXPECT_NE(outcome.err.find(std::string("--") + name), std::string::npos)
        << name << " is not in:\n"
        << outcome.err;
  }
}

TEST(Settings, CheckConfigOnlyChecks) {
  const auto outcome = Read({"--check-config"});
  ASSERT_TRUE(std::holds_alternative<int>(outcome.settings));
  EXPECT_EQ(std::get<int>(outcome.settings), 0);
}

}  // namespace
}  // namespace jitwg::provisioner
