#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/ctl/peer_import_contract.h"

namespace jitwg::ctl {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST_P(PeerImport, AllOfAFileIsStoredAndAgainIsNothingNew) {
  std::string text = "public_key,allowed_ips,name\n";
  for (int number = 0; number < 600; ++number) {
    text += NewKey() + ",10.8." + std::to_string(number / 250) + "." +
            std::to_string(number % 250) + "/32,client " + std::to_string(number) + "\n";
  }
  const std::string file = Write("peers.csv", text);
  const auto imported = Ctl({"peer", "import", file});
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_EQ(imported.out, "stored: 600 new, 0 replaced, 0 there already, 0 refused\n");
  const auto again = Ctl({"--json", "peer", "import", file});
  EXPECT_EQ(again.code, 0);
  EXPECT_EQ(json::parse(again.out)["unchanged"], 600);
  EXPECT_EQ(Stored(), 600);
}

TEST_P(PeerImport, OneBadRowKeepsAllOutAndEveryFaultIsNamed) {
  const std::string key = NewKey();
  ASSERT_EQ(Ctl({"peer", "add", "--public-key", NewKey(), "--allowed-ips", "10.9.0.0/24"}).code, 0);
  const std::string file = Write("peers.csv", "public_key,allowed_ips\n" +       //
                                                  key + ",10.8.0.1/32\n" +       //
                                                  "nokey,10.8.0.2/32\n" +        //
                                                  NewKey() + ",10.9.0.7/32\n" +  //
                                                  key + ",10.8.0.4/32\n" +       //
                                                  NewKey() + ",10.8.0.5/24 fd08::5/128\n");
  const auto refused = Ctl({"peer", "import", file});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr(file + ":3: public_key: "));
  EXPECT_THAT(refused.err, HasSubstr(file + ":4: allowed IP 10.9.0.7/32 overlaps"));
  EXPECT_THAT(refused.err, HasSubstr(file + ":5: the key " + key + " comes twice"));
  EXPECT_THAT(refused.err, HasSubstr(file + ":6: allowed_ips: "));
  EXPECT_THAT(refused.out, HasSubstr("nothing stored: 1 new"));
  EXPECT_EQ(Stored(), 1);
}

TEST_P(PeerImport, SkipBadStoresTheOthersAndReportsTheBad) {
  const std::string good = NewKey();
  const std::string clashing = NewKey();
  const std::string file =
      Write("peers.csv", "public_key,allowed_ips\n" + good + ",10.8.0.1/32\nnokey,10.8.0.2/32\n" +
                             clashing + ",10.8.0.1/32\n" + NewKey() + ",10.8.0.9/32\n");
  const auto imported =
      Ctl({"peer", "import", file, "--skip-bad", "--report", folder_ + "/refused"});
  EXPECT_EQ(imported.code, 1) << "not all of it was done";
  EXPECT_THAT(imported.out, HasSubstr("stored: 2 new, 0 replaced, 0 there already, 2 refused"));
  EXPECT_EQ(Ctl({"peer", "show", good}).code, 0);
  EXPECT_EQ(Ctl({"peer", "show", clashing}).code, 1);
  EXPECT_EQ(Stored(), 2);
  const std::string report = Read("refused");
  EXPECT_EQ(json::parse(report.substr(0, report.find('\n')))["row"], 3);
}

TEST_P(PeerImport, OthersSettingsStayUnlessReplaced) {
  const std::string key = NewKey();
  ASSERT_EQ(Ctl({"peer", "add", "--public-key", key, "--allowed-ips", "10.8.0.1/32"}).code, 0);
  const std::string file =
      Write("peers.json", R"([{"public_key": ")" + key + R"(", "allowed_ips": ["10.8.0.2/32"]}])");
  const auto refused = Ctl({"peer", "import", file});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("other settings (allowed_ips)"));
  const auto rehearsed = Ctl({"peer", "import", file, "--replace", "--dry-run"});
  EXPECT_EQ(rehearsed.code, 0);
  EXPECT_THAT(rehearsed.out, HasSubstr("nothing stored: 0 new, 1 replaced"));
  EXPECT_THAT(Ctl({"peer", "show", key}).out, HasSubstr("10.8.0.1/32"));
  EXPECT_EQ(Ctl({"peer", "import", file, "--replace"}).code, 0);
  EXPECT_THAT(Ctl({"peer", "show", key}).out, HasSubstr("10.8.0.2/32"));
}

TEST_P(PeerImport, WhatWasListedWithItsSecretsIsImportedAsItWas) {
  const std::string key = NewKey();
  std::string psk = SecretToBase64(GeneratePrivateKey());
  const std::string psk_file = Write("psk", psk + "\n");
  ASSERT_EQ(Ctl({"peer", "add", "--public-key", key, "--allowed-ips", "10.8.0.1/32,fd08::1/128",
                 "--psk-file", psk_file, "--name", "a, \"b\"", "--keepalive", "25", "--expires",
                 "2031-01-01", "--pinned", "--network", "home"})
                .code,
            0);
  const std::string shown = Ctl({"--json", "peer", "show", "--secrets", key}).out;
  const std::string file = Write("peers.json", shown);
  ASSERT_EQ(Ctl({"peer", "revoke", key}).code, 0);
  const auto imported = Ctl({"peer", "import", file});
  EXPECT_EQ(imported.code, 0) << imported.err;
  json before = json::parse(shown);
  json after = json::parse(Ctl({"--json", "peer", "show", "--secrets", key}).out);
  for (json* one : {&before, &after}) {
    one->erase("created_at");
    one->erase("updated_at");
  }
  EXPECT_EQ(after, before);
  EXPECT_THAT(imported.out + imported.err, Not(HasSubstr(psk)));
}

}  // namespace
}  // namespace jitwg::ctl
