// The expected bytes were put together field by field from linux/netfilter/nf_tables.h and
// nfnetlink.h, on a little-endian machine, by none of the project's code.
#include "sniffer/hold/hold_rules.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/sniffer/hold/hex.h"

namespace jitwg::sniffer {
namespace {

using test::ToHex;

const HoldRules kRules{"jitwg_t", 4711, QueueStatement::kNative, true};
const std::vector<std::uint16_t> kPort{51820};
const std::string kTableName = "0c0001006a697477675f7400";
const std::string kChainName = "696e707574000000";
const std::string kBegin5 = "140000001000010005000000000000000000000a";

// meta l4proto udp, th 8..12 = 01000000, th 2..6 = port and length.
const std::string kMatch =
    "24000180090001006d6574610000000014000280080001000000000108000200"
    "000000102c00018008000100636d70002000028008000100000000010800020000000000"
    "0c00038005000100110000003400018"
    "00c0001007061796c6f61640024000280080001000000000108000200000000020800030000000008"
    "08000400000000042c00018008000100636d7000200002800800010000000001080002000000000"
    "00c000380080001000100000034000180"
    "0c0001007061796c6f61640024000280080001000000000108000200000000020800030000000002"
    "08000400000000042c00018008000100636d700020000280080001000000000108000200000000000c000380"
    "08000100ca6c009c";

TEST(HoldRules, ATableIsNewOwnedAndOnTheInputHookBehindEverybody) {
  const NftBatch batch = EncodeTable(kRules, {}, 5);
  EXPECT_EQ(ToHex(batch.bytes),
            kBegin5 + "28000000000a0506060000000000000001000000" + kTableName + "0800020000000002" +
                "54000000030a0506070000000000000001000000" + kTableName + "0a000300" + kChainName +
                "0b00070066696c7465720000"
                "0800050000000001"
                "1400048008000100000000010800"
                "0200000003e8"
                "140000001100010008000000000000000000000a");
  EXPECT_EQ(batch.first, 5U);
  EXPECT_EQ(batch.last, 7U);
}

TEST(HoldRules, WithoutAnOwnerNoFlagIsSent) {
  HoldRules rules = kRules;
  rules.owned = false;
  const std::string hex = ToHex(EncodeTable(rules, {}, 5).bytes);
  EXPECT_EQ(hex.substr(40, 64), "20000000000a0506060000000000000001000000" + kTableName);
}

TEST(HoldRules, PortsReplaceAllRulesAtOnce) {
  const NftBatch batch = EncodePorts(kRules, kPort, 5);
  EXPECT_EQ(ToHex(batch.bytes), kBegin5 + "2c000000080a0500060000000000000001000000" + kTableName +
                                    "0a000200" + kChainName +
                                    "6c010000060a050c070000000000000001000000" + kTableName +
                                    "0a000200" + kChainName + "40010480" + kMatch +
                                    "2c0001800a0001007175657565000000"
                                    "1c0002800600010012670000"
                                    "0600020000010000"
                                    "0600030000010000"
                                    "140000001100010008000000000000000000000a");
  EXPECT_EQ(batch.last, 7U);
}

TEST(HoldRules, TheXtTargetHasTheBypassFlagToo) {
  HoldRules rules = kRules;
  rules.statement = QueueStatement::kXtTarget;
  const std::string hex = ToHex(EncodePorts(rules, kPort, 5).bytes);
  const std::string rule = "74010000060a050c070000000000000001000000" + kTableName + "0a000200" +
                           kChainName + "48010480" + kMatch +
                           "340001800b000100746172676574000024000280"
                           "0c0001004e46515545554500"
                           "0800020000000003"
                           "0a0003006712010001000000";
  EXPECT_NE(hex.find(rule), std::string::npos) << hex;
}

TEST(HoldRules, EachPortHasOneRuleAndZeroHasNone) {
  const std::vector<std::uint16_t> ports{51821, 0, 51820, 51821};
  const NftBatch both = EncodePorts(kRules, ports, 1);
  const NftBatch none = EncodePorts(kRules, {}, 1);
  const NftBatch one = EncodePorts(kRules, kPort, 1);
  EXPECT_EQ(both.last - none.last, 2U);
  EXPECT_EQ(both.bytes.size() - none.bytes.size(), 2 * (one.bytes.size() - none.bytes.size()));
}

TEST(HoldRules, AQuestionHasNoEndAndNoHook) {
  const std::string hex = ToHex(EncodeTableCheck(kRules, 5, 1).bytes);
  EXPECT_EQ(hex.find("1400000011000100"), std::string::npos);
  EXPECT_EQ(hex.find("66696c746572"), std::string::npos);
  EXPECT_NE(hex.find("71756575650000"), std::string::npos);
}

TEST(HoldRules, RemovalNamesTheTableAlone) {
  EXPECT_EQ(ToHex(EncodeRemoval("jitwg_t", 5).bytes),
            kBegin5 + "20000000020a0500060000000000000001000000" + kTableName +
                "140000001100010007000000000000000000000a");
  EXPECT_EQ(ToHex(EncodeTableQuestion("jitwg_t", 5).bytes),
            "20000000010a0500050000000000000001000000" + kTableName);
}

}  // namespace
}  // namespace jitwg::sniffer
