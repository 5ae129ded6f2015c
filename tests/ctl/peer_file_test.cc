#include "ctl/peer_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "ctl/progress.h"

namespace jitwg::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kClientKey = "lrrCzckYu7LtbpZEC6+gSHwHAKhpDXC2KlVJvEXyb0k=";
constexpr const char* kPsk = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";

std::vector<PeerRow> Rows(PeerFileFormat format, const std::string& text) {
  auto rows = ReadPeerRows(format, text, PeerDefaults{});
  EXPECT_TRUE(rows) << rows.error().message;
  return rows ? std::move(*rows) : std::vector<PeerRow>();
}

std::string FaultOf(PeerFileFormat format, const std::string& text) {
  const auto rows = ReadPeerRows(format, text, PeerDefaults{});
  return rows ? "" : rows.error().message;
}

TEST(PeerFileCsv, ReadsEverySettingThroughQuotesAndCarriageReturns) {
  const auto rows = Rows(PeerFileFormat::kCsv,
                         std::string("\xef\xbb\xbf") +
                             "name,public_key,allowed_ips,preshared_key,"
                             "persistent_keepalive_seconds,pinned,expires_at\r\n"
                             "\r\n\"J\xc3\xb6rg's \"\"big\"\" laptop,\nold\",not a key,x,,,,\r\n"
                             "laptop," +
                             kClientKey + ",\"10.8.0.2/32, fd08::2/128;10.9.0.0/24\"," + kPsk +
                             ",25,yes,2027-01-01\r\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].number, 3U);
  EXPECT_FALSE(rows[0].peer);
  EXPECT_EQ(rows[1].number, 5U);
  ASSERT_TRUE(rows[1].peer) << rows[1].peer.error().message;
  const registry::Peer& peer = *rows[1].peer;
  EXPECT_EQ(peer.public_key.ToBase64(), kClientKey);
  EXPECT_EQ(peer.allowed_ips.size(), 3U);
  EXPECT_TRUE(peer.preshared_key);
  EXPECT_EQ(peer.persistent_keepalive, 25);
  EXPECT_TRUE(peer.pinned && peer.enabled && peer.expires_at);
}

TEST(PeerFileCsv, AHeadingThatMakesNoSenseIsToldAsAWhole) {
  const auto csv = PeerFileFormat::kCsv;
  EXPECT_THAT(FaultOf(csv, "public_key,alowed_ips\n"), HasSubstr("did you mean 'allowed_ips'?"));
  EXPECT_THAT(FaultOf(csv, "public_key,name\n"), HasSubstr("allowed_ips is not among them"));
  EXPECT_THAT(FaultOf(csv, "public_key,name,name,allowed_ips\n"), HasSubstr("comes twice"));
  EXPECT_THAT(FaultOf(csv, ""), HasSubstr("must name the columns"));
  EXPECT_THAT(FaultOf(csv, "public_key,allowed_ips\n\"k,1\n"), HasSubstr("not closed"));
  EXPECT_THAT(FaultOf(csv, "public_key,allowed_ips\n\"k\"x,1\n"), HasSubstr("behind a closed"));
}

TEST(PeerFileCsv, ABadRowIsToldByItselfAndNeverItsPresharedKey) {
  const std::string secret = std::string(kPsk).substr(0, 43);
  const auto rows =
      Rows(PeerFileFormat::kCsv, std::string("public_key,allowed_ips,preshared_key\n") +
                                     kClientKey + ",10.8.0.2/32," + secret + "\n" + kClientKey +
                                     ",10.8.0.2/32\n" + kClientKey + ",,\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_THAT(rows[0].peer.error().message, HasSubstr("preshared_key: "));
  EXPECT_THAT(rows[0].peer.error().message, Not(HasSubstr(secret.substr(0, 10))));
  EXPECT_THAT(rows[1].peer.error().message, HasSubstr("2 fields where the heading has 3"));
  EXPECT_FALSE(rows[2].peer) << "no address";
}

TEST(PeerFileJson, TakesAnArrayAnObjectWithPeersAndAnObjectALine) {
  const std::string object =
      std::string(R"({"public_key": ")") + kClientKey + R"(", "allowed_ips": ["10.8.0.2/32"]})";
  for (const std::string& text : {"[" + object + "]", R"({"peers": [)" + object + "]}", object,
                                  object + "\n\n", object + "\r\n" + object}) {
    const auto rows = Rows(PeerFileFormat::kJson, text);
    ASSERT_FALSE(rows.empty()) << text;
    EXPECT_TRUE(rows.back().peer) << rows.back().peer.error().message;
  }
  EXPECT_THAT(FaultOf(PeerFileFormat::kJson, "hello"), HasSubstr("no JSON"));
  EXPECT_THAT(FaultOf(PeerFileFormat::kJson, "[1, 2"), HasSubstr("no JSON"));
  EXPECT_THAT(FaultOf(PeerFileFormat::kJson, object + "\n{"), HasSubstr("object 2"));
  EXPECT_THAT(FaultOf(PeerFileFormat::kJson, std::string(200'000, '[')), HasSubstr("no JSON"));
}

TEST(PeerFileJson, AMemberOfTheWrongKindOrNameIsABadRow) {
  const std::string start = std::string(R"([{"public_key": ")") + kClientKey + R"(", )";
  const auto fault = [&](const std::string& rest) {
    const auto rows = Rows(PeerFileFormat::kJson, start + rest + "}]");
    return rows.size() == 1 && !rows[0].peer ? rows[0].peer.error().message : "taken";
  };
  EXPECT_THAT(fault(R"("allowed_ips": [1])"), HasSubstr("list of texts"));
  EXPECT_THAT(fault(R"("allowed_ips": {"a": 1})"), HasSubstr("text is wanted"));
  EXPECT_THAT(fault(R"("allowed_ips": ["10.8.0.2/32"], "enabld": true)"), HasSubstr("'enabled'"));
  EXPECT_THAT(fault(R"("allowed_ips": ["10.8.0.2/32"], "has_preshared_key": true)"),
              HasSubstr("--secrets"));
  EXPECT_THAT(fault(R"("allowed_ips": ["10.8.0.2/32"], "persistent_keepalive_seconds": 1.5)"),
              HasSubstr("text is wanted"));
  EXPECT_THAT(Rows(PeerFileFormat::kJson, "[7]")[0].peer.error().message, HasSubstr("object"));
}

TEST(PeerFileConf, TakesThePeersOfWhatWgPrints) {
  const auto rows =
      Rows(PeerFileFormat::kConf,
           std::string("[Interface]\nListenPort = 51820\n") +
               "PrivateKey = x\n\n[Peer]  # one\nPublicKey = " + kClientKey +
               "\nPresharedKey=" + kPsk + "\nAllowedIPs = 10.8.0.2/32, fd08::2/128\n" +
               "Endpoint = 192.0.2.1:5\n" + "PersistentKeepalive = off\n\n[peer]\n" +
               "publickey = " + kClientKey + "\nMTU = 1\n[Peer]\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].number, 5U);
  ASSERT_TRUE(rows[0].peer) << rows[0].peer.error().message;
  EXPECT_EQ(rows[0].peer->allowed_ips.size(), 2U);
  EXPECT_TRUE(rows[0].peer->preshared_key);
  EXPECT_THAT(rows[1].peer.error().message, HasSubstr("'mtu'"));
  EXPECT_THAT(rows[2].peer.error().message, HasSubstr("public_key is missing"));
  EXPECT_THAT(FaultOf(PeerFileFormat::kConf, "[Peers]\n"), HasSubstr("'[Peers]'"));
}

TEST(PeerFile, TheNameSaysTheFormat) {
  EXPECT_EQ(*PeerFileFormatOf("/x/a.csv"), PeerFileFormat::kCsv);
  EXPECT_EQ(*PeerFileFormatOf("a.jsonl"), PeerFileFormat::kJson);
  EXPECT_EQ(*PeerFileFormatOf("wg0.conf"), PeerFileFormat::kConf);
  EXPECT_THAT(PeerFileFormatOf("peers").error().message, HasSubstr("--format"));
  std::istringstream input("text");
  EXPECT_EQ(*ReadPeerFile("-", input), "text");
  EXPECT_THAT(ReadPeerFile("/nowhere/x.csv", input).error().message, HasSubstr("/nowhere/x.csv"));
}

TEST(Progress, OneLineTellsHowFar) {
  EXPECT_EQ(ProgressLine("importing", 35'012, 100'000),
            "importing [########                ]  35 %  35,012 of 100,000");
  EXPECT_EQ(ProgressLine("importing", 0, 0), "importing [########################] 100 %  0 of 0");
  std::ostringstream no_terminal;
  Progress(no_terminal, "importing", 5).At(3);
  EXPECT_EQ(no_terminal.str(), "");
}

}  // namespace
}  // namespace jitwg::ctl
