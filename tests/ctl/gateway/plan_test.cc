// Options, environment and file become plans; what does not fit together is named.
#include "ctl/gateway/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/sniffer/install/temp_folder.h"

namespace jitwg::ctl {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Parsed {
  std::vector<InterfacePlan> plans;
  std::vector<std::string> faults;
};

Parsed Parse(const std::vector<std::string>& arguments) {
  GatewayOptions options;
  ConfigParser parser("test", "A test.", ConfigParser::File::kShared);
  AddGatewayOptions(parser, options);
  parser.Parse(arguments, [](const std::string&) { return std::nullopt; });
  Parsed parsed;
  parsed.plans = MakePlans(parser, options);
  parsed.faults = parser.faults();
  return parsed;
}

TEST(PlanTest, OneInterfaceNeedsNoMoreThanItsName) {
  const auto [plans, faults] = Parse({"--interface", "wg0"});
  EXPECT_THAT(faults, IsEmpty());
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(plans[0].name, "wg0");
  EXPECT_EQ(plans[0].key_file, "/etc/jitwg/wg0.key");
  EXPECT_EQ(plans[0].listen_port, 51820);
  EXPECT_EQ(plans[0].mtu, 1420u);
}

TEST(PlanTest, ValuesBelongToTheInterfaceTheyNameOrToAll) {
  const auto [plans, faults] =
      Parse({"--interface", "wg0,wg1", "--allow", "wg0=10.8.0.0/16,wg1=fd09::/64", "--address",
             "wg0=10.8.0.1/16", "--address", "wg1=fd09::1", "--listen-port", "wg1=51821", "--mtu",
             "1380", "--private-key-file", "wg1=/keys/a=b"});
  EXPECT_THAT(faults, IsEmpty());
  ASSERT_EQ(plans.size(), 2u);
  ASSERT_EQ(plans[0].addresses.size(), 1u);
  EXPECT_EQ(plans[0].addresses[0].ToString(), "10.8.0.1/16");
  EXPECT_EQ(plans[0].addresses[0].Network().ToString(), "10.8.0.0/16");
  EXPECT_THAT(plans[0].allow, ElementsAre(*IpPrefix::Parse("10.8.0.0/16")));
  EXPECT_EQ(plans[0].listen_port, 51820);
  EXPECT_EQ(plans[1].addresses[0].ToString(), "fd09::1/128");
  EXPECT_EQ(plans[1].listen_port, 51821);
  EXPECT_EQ(plans[1].key_file, "/keys/a=b");
  EXPECT_EQ(plans[0].mtu, 1380u);
  EXPECT_EQ(plans[1].mtu, 1380u);
}

TEST(PlanTest, WhatIsNoAddressOrPrefixIsNamed) {
  for (const char* bad : {"10.8.0.0/16", "10.8.0.1/33", "10.8.0", "fd08::/64", "wg0=", ""}) {
    EXPECT_FALSE(ParseInterfaceAddress(bad)) << bad;
  }
  for (const char* good : {"10.8.0.0/31", "10.8.0.0/32", "10.8.0.1/16", "fd08::1", "fd08::/127"}) {
    EXPECT_TRUE(ParseInterfaceAddress(good)) << good;
  }
  EXPECT_THAT(Parse({"--interface", "wg0", "--allow", "wg0=10.8.0.1/16"}).faults,
              ElementsAre(HasSubstr("10.8.0.0/16")));
}

TEST(PlanTest, FaultsOfAllOptionsAreNamedAtOnce) {
  const auto faults =
      Parse({"--interface", "wg0", "--address", "wg1=10.8.0.1/16", "--allow", "wg2=10.9.0.0/16",
             "--listen-port", "wg0=0", "--mtu", "wg0=100", "--private-key-file", "wg0.key"})
          .faults;
  EXPECT_THAT(faults, Contains(HasSubstr("'wg1', which is no --interface")));
  EXPECT_THAT(faults, Contains(HasSubstr("wg2=10.9.0.0/16")));
  EXPECT_THAT(faults, Contains(HasSubstr("--listen-port")));
  EXPECT_THAT(faults, Contains(HasSubstr("--mtu")));
  EXPECT_THAT(faults, Contains(HasSubstr("no absolute path")));
}

TEST(PlanTest, InterfacesShareNeitherPortNorKeyNorPrefix) {
  const auto faults =
      Parse({"--interface", "wg0,wg1", "--private-key-file", "/etc/jitwg/gateway.key", "--allow",
             "wg0=10.8.0.0/16,wg1=10.8.0.0/16", "--address", "10.8.0.1/16"})
          .faults;
  EXPECT_THAT(faults, Contains(HasSubstr("would both listen on 51820")));
  EXPECT_THAT(faults, Contains(HasSubstr("would share /etc/jitwg/gateway.key")));
  EXPECT_THAT(faults, Contains(HasSubstr("10.8.0.0/16 is given twice")));
  EXPECT_THAT(faults, Contains(HasSubstr("names no interface, and there are several")));
}

TEST(PlanTest, AnMtuTooSmallForIpv6IsRefusedOnlyWithIpv6) {
  EXPECT_THAT(Parse({"--interface", "wg0", "--mtu", "1200", "--address", "10.8.0.1/16"}).faults,
              IsEmpty());
  EXPECT_THAT(Parse({"--interface", "wg0", "--mtu", "1200", "--address", "fd08::1/64"}).faults,
              ElementsAre(HasSubstr("1280")));
}

TEST(PlanTest, TheFileMayBeTheSniffersButForAMistypedKey) {
  const testing::TempFolder folder;
  const std::string file = folder / "sniffer.toml";
  std::ofstream(file) << "interface = \"wg0\"\nallow = [\"wg0=10.8.0.0/16\"]\n"
                      << "completion = \"hold\"\nglobal-rate = 100\nmtu = 1400\n";
  const auto [plans, faults] = Parse({"--config", file});
  EXPECT_THAT(faults, IsEmpty());
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(plans[0].mtu, 1400u);
  std::ofstream(file, std::ios::app) << "adress = \"10.8.0.1/16\"\n";
  EXPECT_THAT(Parse({"--config", file}).faults, ElementsAre(HasSubstr("did you mean 'address'")));
}

}  // namespace
}  // namespace jitwg::ctl
