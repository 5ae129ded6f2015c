// The peer commands, used as an operator uses them, on a registry of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lib/base/key.h"
#include "tests/ctl/run_ctl.h"

namespace jitwg::ctl {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PeerCommandsTest : public testing::Test {
 protected:
  PeerCommandsTest() {
    std::string pattern = testing::TempDir() + "jitwg-ctl-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    key_ = DerivePublicKey(GeneratePrivateKey()).ToBase64();
    other_key_ = DerivePublicKey(GeneratePrivateKey()).ToBase64();
    psk_ = SecretToBase64(GeneratePrivateKey());
    std::ofstream(directory_ + "/psk") << psk_ << "\n";
  }
  ~PeerCommandsTest() override { std::filesystem::remove_all(directory_); }

  Outcome Ctl(Arguments arguments) {
    arguments.insert(arguments.begin(), {"--registry", "sqlite:" + directory_ + "/r.db"});
    return RunCtl(arguments);
  }
  Outcome AddFull() {
    return Ctl({"peer", "add", "--public-key", key_, "--allowed-ips", "10.8.0.2/32,fd08::2/128",
                "--psk-file", directory_ + "/psk", "--name", "laptop", "--network", "home",
                "--gateway", "gw1", "--keepalive", "25", "--expires", "2027-01-01T00:00:00Z",
                "--pinned"});
  }

  std::string directory_;
  std::string key_;
  std::string other_key_;
  std::string psk_;
};

TEST_F(PeerCommandsTest, WhatWasAddedIsShownAndListed) {
  const auto added = AddFull();
  ASSERT_EQ(added.code, 0) << added.err;
  EXPECT_THAT(added.out, HasSubstr(key_));
  const auto shown = Ctl({"peer", "show", key_});
  EXPECT_EQ(shown.code, 0);
  for (const char* text : {"laptop", "home", "10.8.0.2/32,fd08::2/128", "gw1", "25 s",
                           "2027-01-01T00:00:00Z", "preshared key   yes"}) {
    EXPECT_THAT(shown.out, HasSubstr(text));
  }
  const auto listed = Ctl({"peer", "list"});
  EXPECT_EQ(listed.code, 0);
  EXPECT_THAT(listed.out, HasSubstr(key_));
  EXPECT_THAT(listed.out, HasSubstr("laptop"));
}

TEST_F(PeerCommandsTest, JsonSaysTheSame) {
  ASSERT_EQ(AddFull().code, 0);
  const auto shown = json::parse(Ctl({"--json", "peer", "show", key_}).out);
  EXPECT_EQ(shown["public_key"], key_);
  EXPECT_EQ(shown["allowed_ips"], json({"10.8.0.2/32", "fd08::2/128"}));
  EXPECT_EQ(shown["network"], "home");
  EXPECT_EQ(shown["persistent_keepalive_seconds"], 25);
  EXPECT_EQ(shown["pinned"], true);
  EXPECT_EQ(shown["enabled"], true);
  EXPECT_EQ(shown["expires_at"], "2027-01-01T00:00:00Z");
  EXPECT_EQ(shown["has_preshared_key"], true);
  EXPECT_FALSE(shown.contains("preshared_key"));
  EXPECT_EQ(json::parse(Ctl({"peer", "list", "--json"}).out), shown);
}

TEST_F(PeerCommandsTest, ThePresharedKeyIsShownOnlyWhenAskedFor) {
  const auto added = AddFull();
  EXPECT_THAT(added.out + added.err, Not(HasSubstr(psk_)));
  for (const Arguments& arguments :
       {Arguments{"peer", "show", key_}, Arguments{"peer", "list"},
        Arguments{"--json", "peer", "show", key_}, Arguments{"--json", "peer", "list"}}) {
    EXPECT_THAT(Ctl(arguments).out, Not(HasSubstr(psk_)));
  }
  EXPECT_THAT(Ctl({"peer", "show", key_, "--secrets"}).out, HasSubstr(psk_));
  EXPECT_EQ(json::parse(Ctl({"--json", "peer", "show", "--secrets", key_}).out)["preshared_key"],
            psk_);
}

TEST_F(PeerCommandsTest, AKeyIsAddedOnceUnlessReplaced) {
  ASSERT_EQ(AddFull().code, 0);
  const Arguments again = {"peer", "add", "--public-key", key_, "--allowed-ips", "10.8.0.9/32"};
  const auto refused = Ctl(again);
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("already"));
  Arguments replace = again;
  replace.insert(replace.end(), {"--replace", "--disabled"});
  EXPECT_EQ(Ctl(replace).code, 0);
  const auto shown = json::parse(Ctl({"--json", "peer", "show", key_}).out);
  EXPECT_EQ(shown["allowed_ips"], json({"10.8.0.9/32"}));
  EXPECT_EQ(shown["enabled"], false);
  EXPECT_EQ(shown["has_preshared_key"], false);
}

TEST_F(PeerCommandsTest, ATakenAddressIsRefusedAndItsOwnerNamed) {
  ASSERT_EQ(Ctl({"peer", "add", "--public-key", key_, "--allowed-ips", "10.8.0.0/24"}).code, 0);
  const auto refused =
      Ctl({"peer", "add", "--public-key", other_key_, "--allowed-ips", "10.8.0.7/32"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr(key_));
  EXPECT_THAT(refused.out, IsEmpty());
}

TEST_F(PeerCommandsTest, RevokedPeersAreGone) {
  ASSERT_EQ(AddFull().code, 0);
  const auto revoked = Ctl({"peer", "revoke", key_});
  EXPECT_EQ(revoked.code, 0);
  EXPECT_THAT(revoked.out, HasSubstr(key_));
  EXPECT_EQ(Ctl({"peer", "show", key_}).code, 1);
  const auto again = Ctl({"peer", "revoke", key_});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr(key_));
}

TEST_F(PeerCommandsTest, EveryFaultOfTheCommandLineIsNamed) {
  const auto refused =
      Ctl({"peer", "add", "--public-key", "c2hvcnQ=", "--allowed-ips", "10.8.0.300/32,10.8.0.2/24",
           "--psk-file", "/nosuch-psk", "--keepalive", "70000", "--expires", "soon"});
  EXPECT_EQ(refused.code, 2);
  for (const char* text :
       {"'c2hvcnQ='", "'10.8.0.300/32'", "'10.8.0.2/24'", "/nosuch-psk", "'70000'", "'soon'"}) {
    EXPECT_THAT(refused.err, HasSubstr(text));
  }
  EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 6) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/r.db"));
}

TEST_F(PeerCommandsTest, APeerThatCannotBeStoredIsWrongUsage) {
  const auto refused = Ctl({"peer", "add", "--public-key", key_, "--allowed-ips", "10.8.0.2/32",
                            "--network", "No Such", "--name", "x"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("network"));
}

TEST_F(PeerCommandsTest, ANewRegistryIsMadeAndThatIsSaid) {
  const auto first = Ctl({"peer", "list"});
  EXPECT_EQ(first.code, 0);
  EXPECT_THAT(first.err, HasSubstr("made a new registry"));
  EXPECT_THAT(Ctl({"peer", "list"}).err, IsEmpty());
}

TEST_F(PeerCommandsTest, ListsManyPagesAndOnlyTheNetworkAskedFor) {
  ASSERT_EQ(AddFull().code, 0);
  ASSERT_EQ(Ctl({"peer", "add", "--public-key", other_key_, "--allowed-ips", "10.8.0.2/32"}).code,
            0);
  EXPECT_THAT(Ctl({"peer", "list", "--network", "home"}).out, Not(HasSubstr(other_key_)));
  EXPECT_THAT(Ctl({"peer", "list", "--network", "default"}).out, HasSubstr(other_key_));
}

TEST_F(PeerCommandsTest, AKeyThatIsNoneIsWrongUsage) {
  const auto refused = Ctl({"peer", "show", "not-a-key"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("'not-a-key'"));
  EXPECT_EQ(Ctl({"peer", "revoke"}).code, 2);
}

TEST_F(PeerCommandsTest, TheGatewaysEnvironmentDoesNotLeakIntoPeers) {
  ::setenv("JITWG_GATEWAY", "gw-of-the-provisioner", 1);
  ASSERT_EQ(Ctl({"peer", "add", "--public-key", key_, "--allowed-ips", "10.8.0.2/32"}).code, 0);
  ::unsetenv("JITWG_GATEWAY");
  EXPECT_EQ(json::parse(Ctl({"--json", "peer", "show", key_}).out)["gateway"], "");
}

TEST(Cli, HelpAndVersionAnswerOnStandardOutput) {
  for (const Arguments& arguments : {Arguments{"--help"}, Arguments{"-h"}, Arguments{"help"}}) {
    const auto help = RunCtl(arguments);
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.out, HasSubstr("Exit codes: 0"));
    EXPECT_THAT(help.err, IsEmpty());
  }
  EXPECT_THAT(RunCtl({"--version"}).out, testing::StartsWith("jitwgctl "));
}

TEST(Cli, EveryCommandTeachesByExample) {
  for (const Arguments& command :
       {Arguments{"status"}, Arguments{"peers"}, Arguments{"watch"}, Arguments{"peer", "add"},
        Arguments{"peer", "list"}, Arguments{"peer", "show"}, Arguments{"peer", "revoke"},
        Arguments{"decode"}}) {
    Arguments arguments = command;
    arguments.emplace_back("--help");
    const auto help = RunCtl(arguments);
    EXPECT_EQ(help.code, 0) << command.back();
    EXPECT_THAT(help.out, HasSubstr("Examples:\n")) << command.back();
    EXPECT_THAT(help.out, HasSubstr("\n  jitwgctl ")) << command.back();
    EXPECT_THAT(help.err, IsEmpty());
  }
}

TEST(Cli, WrongCommandsAreNamedAndTheNearestIsOffered) {
  EXPECT_EQ(RunCtl({}).code, 2);
  EXPECT_EQ(RunCtl({"peer"}).code, 2);
  const auto typo = RunCtl({"--json", "stauts"});
  EXPECT_EQ(typo.code, 2);
  EXPECT_THAT(typo.err, HasSubstr("did you mean 'status'"));
  EXPECT_THAT(RunCtl({"peer", "ad"}).err, HasSubstr("did you mean 'peer add'"));
  EXPECT_EQ(RunCtl({"status", "--nonsense"}).code, 2);
}

TEST(Cli, AddressesThatAreNoneAreWrongUsage) {
  const auto refused = RunCtl({"status", "--sniffer", "here", "--registry", "mysql://db"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("'here'"));
  EXPECT_THAT(refused.err, HasSubstr("sqlite:/absolute/path"));
}

}  // namespace
}  // namespace jitwg::ctl
