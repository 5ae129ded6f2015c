#include "sniffer/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sniffer/install/temp_folder.h"

namespace jitwg::sniffer {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  std::optional<int> exit_code;
  SnifferOptions options;
  std::string out;
  std::string err;
};

Outcome Parse(std::vector<const char*> arguments) {
  Outcome outcome;
  std::ostringstream out;
  std::ostringstream err;
  arguments.insert(arguments.begin(), "jitwg-sniffer");
  outcome.exit_code =
      ParseOptions(static_cast<int>(arguments.size()), arguments.data(), outcome.options, out, err);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

std::size_t Lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(SnifferOptions, SeveralInterfacesWithTheirPrefixes) {
  const Outcome outcome = Parse({"--interface", "wg0", "--interface", "wg1", "--allow",
                                 "wg0=10.8.0.0/16", "--allow", "wg1=fd09::/64,wg1=10.9.0.0/16"});
  EXPECT_FALSE(outcome.exit_code) << outcome.err;
  EXPECT_THAT(outcome.options.interfaces, ::testing::ElementsAre("wg0", "wg1"));
  ASSERT_EQ(outcome.options.allow.size(), 3U);
  EXPECT_EQ(outcome.options.allow[2].prefix.ToString(), "10.9.0.0/16");
}

TEST(SnifferOptions, WhatIsHeldHasBounds) {
  std::vector<const char*> arguments{"--interface", "wg0", "--allow", "wg0=10.8.0.0/16"};
  for (const char* more : {"--hold-time", "1500ms", "--hold-packets", "64", "--hold-queue", "7"}) {
    arguments.push_back(more);
  }
  const Outcome outcome = Parse(arguments);
  EXPECT_FALSE(outcome.exit_code) << outcome.err;
  EXPECT_EQ(outcome.options.hold_time, std::chrono::milliseconds(1500));
  EXPECT_EQ(outcome.options.hold_packets, 64U);
  EXPECT_EQ(outcome.options.hold_queue, 7U);
  arguments[5] = "2001ms";
  arguments[7] = "1";
  arguments[9] = "65536";
  const Outcome refused = Parse(arguments);
  EXPECT_EQ(refused.exit_code, 2);
  for (const char* option : {"--hold-time", "--hold-packets", "--hold-queue"}) {
    EXPECT_THAT(refused.err, HasSubstr(option));
  }
}

TEST(SnifferOptions, InterfaceAndPrefixAreNeeded) {
  const Outcome outcome = Parse({});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--interface"));
  EXPECT_THAT(outcome.err, HasSubstr("--allow"));
}

TEST(SnifferOptions, EveryFaultIsNamedAtOnce) {
  const Outcome outcome =
      Parse({"--interface", "wg0", "--allow", "wg0=10.8.0.1/16", "--socket-mode", "rw", "--backend",
             "magic", "--poll-interval", "5 apples", "--max-peers", "0"});
  EXPECT_EQ(outcome.exit_code, 2);
  for (const char* option : {"allow", "socket-mode", "backend", "poll-interval", "max-peers"}) {
    EXPECT_THAT(outcome.err, HasSubstr(option));
  }
  EXPECT_EQ(Lines(outcome.err), 5U) << outcome.err;
}

TEST(SnifferOptions, APrefixForAnInterfaceThatIsNotServedIsAFault) {
  const Outcome outcome =
      Parse({"--interface", "wg0", "--allow", "wg0=10.8.0.0/16", "--allow", "wg9=10.9.0.0/16"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("wg9"));
}

TEST(SnifferOptions, AnInterfaceWithoutPrefixIsAFault) {
  const Outcome outcome =
      Parse({"--interface", "wg0", "--interface", "wg1", "--allow", "wg0=10.8.0.0/16"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("wg1"));
}

TEST(SnifferOptions, CheckConfigSaysThatAllIsWell) {
  const Outcome outcome =
      Parse({"--interface", "wg0", "--allow", "wg0=10.8.0.0/16", "--check-config"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("valid"));
}

TEST(SnifferOptions, WorkersAreAsManyAsProcessorsUnlessSaid) {
  EXPECT_EQ(Parse({"--interface", "wg0"}).options.workers, 0U);
  EXPECT_EQ(WorkersFor(0, 0), 1U);
  EXPECT_EQ(WorkersFor(0, 2), 2U);
  EXPECT_EQ(WorkersFor(0, 96), 8U);
  EXPECT_EQ(WorkersFor(64, 2), 64U);
  EXPECT_THAT(Parse({"--interface", "wg0", "--workers", "65"}).err, HasSubstr("workers"));
}

TEST(OptionsTest, TheFileMayHoldWhatTheGatewayCommandReads) {
  const testing::TempFolder folder;
  const std::string file = folder / "sniffer.toml";
  std::ofstream(file) << "interface = \"wg0\"\nallow = [\"wg0=10.8.0.0/16\"]\nmtu = 1420\n"
                      << "address = [\"10.8.0.1/16\"]\nlisten-port = 51820\n"
                      << "private-key-file = \"/etc/jitwg/wg0.key\"\n";
  const Outcome outcome = Parse({"--config", file.c_str()});
  EXPECT_EQ(outcome.exit_code, std::nullopt) << outcome.err;
  std::ofstream(file, std::ios::app) << "listen-prot = 51820\n";
  EXPECT_THAT(Parse({"--config", file.c_str()}).err, HasSubstr("unknown key 'listen-prot'"));
}

}  // namespace
}  // namespace jitwg::sniffer
