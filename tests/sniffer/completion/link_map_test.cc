#include "sniffer/completion/link_map.h"

#include <gtest/gtest.h>

namespace jitwg::sniffer {
namespace {

Link Plain(unsigned ifindex, unsigned master = 0) {
  Link link;
  link.ifindex = ifindex;
  link.master = master;
  return link;
}
Link Of(const char* kind, unsigned ifindex) {
  Link link = Plain(ifindex);
  link.kind = kind;
  return link;
}
Link Vlan(unsigned ifindex, unsigned lower, std::uint16_t id) {
  Link link = Of("vlan", ifindex);
  link.lower = lower;
  link.vlan_id = id;
  return link;
}

std::optional<unsigned> Input(const std::vector<Link>& links, unsigned ifindex,
                              std::vector<std::uint16_t> vlan_ids = {}) {
  return InputInterface(links, ifindex, vlan_ids);
}

TEST(InputInterface, IsTheOneItWasSeenOnWhenNothingStandsOnIt) {
  EXPECT_EQ(Input({Plain(2), Plain(3)}, 3), 3U);
}

TEST(InputInterface, UnknownInterfaceHasNone) { EXPECT_FALSE(Input({Plain(2)}, 9)); }

TEST(InputInterface, BridgeAndBondTakeFromTheirMembersButAVrfDoesNot) {
  EXPECT_EQ(Input({Plain(2, 5), Of("bridge", 5)}, 2), 5U);
  EXPECT_EQ(Input({Plain(2, 5), Of("bond", 5)}, 2), 5U);
  EXPECT_EQ(Input({Plain(2, 5), Of("vrf", 5)}, 2), 2U);
}

TEST(InputInterface, TaggedPacketsGoToTheVlanInterfaceWhereverItStands) {
  EXPECT_EQ(Input({Plain(2), Vlan(7, 2, 100), Vlan(8, 2, 200)}, 2, {200}), 8U);
  EXPECT_EQ(Input({Plain(2, 5), Of("bond", 5), Vlan(7, 5, 100)}, 2, {100}), 7U);
  EXPECT_EQ(Input({Plain(2), Vlan(7, 2, 100), Vlan(8, 7, 30)}, 2, {100, 30}), 8U);
}

TEST(InputInterface, VlanThatNothingTakesHasNone) {
  EXPECT_FALSE(Input({Plain(2), Vlan(7, 2, 100)}, 2, {300}));
}

TEST(InputInterface, UntaggedPacketsStayBelowTheVlanInterface) {
  EXPECT_EQ(Input({Plain(2), Vlan(7, 2, 100)}, 2), 2U);
}

TEST(InputInterface, ACircleEnds) {
  Link first = Of("bridge", 2);
  first.master = 3;
  Link second = Of("bridge", 3);
  second.master = 2;
  EXPECT_FALSE(Input({first, second}, 2));
}

TEST(ParseLinks, DamagedAnswersAreRefusedWithoutReadingBeyondThem) {
  std::vector<Link> links;
  alignas(4) const std::array<std::uint8_t, 24> short_message = {24, 0, 0, 0, 16, 0};
  EXPECT_FALSE(ParseLinks(short_message, links));
  EXPECT_FALSE(ParseLinks(std::span(short_message).first(7), links));
  EXPECT_TRUE(links.empty());
}

TEST(ParseLinks, ALengthBeyondTheDatagramIsRefusedHoweverLargeItIs) {
  for (const int high : {0x00, 0x7f, 0x80, 0xff}) {
    alignas(4) std::array<std::uint8_t, 40> message = {0xf0, 0xff, 0xff, 0, 16, 0};
    message[3] = static_cast<std::uint8_t>(high);
    std::vector<Link> links;
    EXPECT_FALSE(ParseLinks(message, links)) << high;
    EXPECT_TRUE(links.empty()) << high;
  }
}

}  // namespace
}  // namespace jitwg::sniffer
