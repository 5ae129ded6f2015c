// rtnetlink requests, read back with the parsers of the kernel's answers (they share their form),
// and hostile answers.
#include "ctl/gateway/route_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <vector>

#include "sniffer/install/netlink_writer.h"

namespace jitwg::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Bytes = std::vector<std::uint8_t>;

template <class Encode>
Bytes Encoded(Encode encode) {
  Bytes bytes(512);
  const auto length = encode(std::span(bytes));
  EXPECT_TRUE(length) << length.error().message;
  bytes.resize(length.value_or(0));
  return bytes;
}

const nlmsghdr& Header(const Bytes& bytes) {
  return *reinterpret_cast<const nlmsghdr*>(bytes.data());
}

Bytes AddressMessage(const std::string& text, unsigned ifindex = 7) {
  const auto address = *ParseInterfaceAddress(text);
  return Encoded(
      [&](std::span<std::uint8_t> out) { return EncodeNewAddress(1, ifindex, address, out); });
}

Bytes RouteMessage(const std::string& prefix, unsigned ifindex = 7) {
  return Encoded([&](std::span<std::uint8_t> out) {
    return EncodeNewRoute(1, ifindex, *IpPrefix::Parse(prefix), out);
  });
}

std::vector<std::string> Addresses(const Bytes& datagram, unsigned ifindex = 7) {
  std::vector<InterfaceAddress> addresses;
  EXPECT_TRUE(ParseAddresses(datagram, ifindex, addresses));
  std::vector<std::string> texts;
  for (const InterfaceAddress& address : addresses) texts.push_back(address.ToString());
  return texts;
}

TEST(RouteMessageTest, AnAddressIsTheOneThatWasAskedFor) {
  EXPECT_THAT(Addresses(AddressMessage("10.8.0.1/16")), ElementsAre("10.8.0.1/16"));
  EXPECT_THAT(Addresses(AddressMessage("fd08::1/64")), ElementsAre("fd08::1/64"));
  EXPECT_EQ(Header(AddressMessage("10.8.0.1/16")).nlmsg_flags,
            NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
}

TEST(RouteMessageTest, AddressesOfOthersAndLinkLocalOnesAreLeftOut) {
  EXPECT_THAT(Addresses(AddressMessage("10.8.0.1/16", 8)), IsEmpty());
  EXPECT_THAT(Addresses(AddressMessage("fe80::1/64")), IsEmpty());
}

TEST(RouteMessageTest, SeveralMessagesInOneDatagramAreAllRead) {
  Bytes datagram = AddressMessage("10.8.0.1/16");
  const Bytes second = AddressMessage("fd08::1/64");
  datagram.insert(datagram.end(), second.begin(), second.end());
  EXPECT_THAT(Addresses(datagram), ElementsAre("10.8.0.1/16", "fd08::1/64"));
}

TEST(RouteMessageTest, ARouteIsTheOneThatWasAskedFor) {
  for (const char* text : {"10.8.0.0/16", "fd08::/64", "0.0.0.0/0", "::/0"}) {
    std::vector<RouteFacts> routes;
    ASSERT_TRUE(ParseRoutes(RouteMessage(text), routes));
    ASSERT_EQ(routes.size(), 1u) << text;
    EXPECT_EQ(routes[0].prefix.ToString(), text);
    EXPECT_EQ(routes[0].ifindex, 7u);
  }
}

TEST(RouteMessageTest, RoutesOfOtherTablesAndTypesAreLeftOut) {
  const std::vector<std::pair<int, int>> others = {
      {RT_TABLE_LOCAL, RTN_UNICAST}, {RT_TABLE_MAIN, RTN_BLACKHOLE}, {100, RTN_UNICAST}};
  for (const auto& [table, type] : others) {
    Bytes bytes = RouteMessage("10.8.0.0/16");
    auto* const header = reinterpret_cast<rtmsg*>(bytes.data() + sizeof(nlmsghdr));
    header->rtm_table = static_cast<std::uint8_t>(table);
    header->rtm_type = static_cast<std::uint8_t>(type);
    std::vector<RouteFacts> routes;
    EXPECT_TRUE(ParseRoutes(bytes, routes));
    EXPECT_TRUE(routes.empty()) << table << " " << type;
  }
}

TEST(RouteMessageTest, ALinkTellsKindMtuAndState) {
  const Bytes made =
      Encoded([](std::span<std::uint8_t> out) { return EncodeNewWireGuard(1, "wg0", out); });
  std::optional<LinkFacts> link;
  ASSERT_TRUE(ParseLink(made, link));
  ASSERT_TRUE(link);
  EXPECT_EQ(link->name, "wg0");
  EXPECT_EQ(link->kind, "wireguard");
  EXPECT_FALSE(link->up);
  const Bytes up =
      Encoded([](std::span<std::uint8_t> out) { return EncodeMtuAndUp(1, 7, 1380, out); });
  ASSERT_TRUE(ParseLink(up, link));
  EXPECT_EQ(link->ifindex, 7u);
  EXPECT_EQ(link->mtu, 1380u);
  EXPECT_TRUE(link->up);
}

TEST(RouteMessageTest, WhatDoesNotFitIsNotWritten) {
  Bytes small(24);
  EXPECT_FALSE(EncodeGetLink(1, "wg0", small));
  EXPECT_FALSE(EncodeNewRoute(1, 7, *IpPrefix::Parse("10.8.0.0/16"), small));
}

// The kernel is trusted to mean well, not to be what one thinks: no byte is read outside.
TEST(RouteMessageTest, EveryTruncationAndEveryBitFlipIsSurvived) {
  for (const Bytes& whole : {AddressMessage("fd08::1/64"), RouteMessage("fd08::/64")}) {
    std::vector<InterfaceAddress> addresses;
    std::vector<RouteFacts> routes;
    std::optional<LinkFacts> link;
    for (std::size_t length = 1; length < whole.size(); ++length) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_FALSE(ParseAddresses(cut, 7, addresses)) << length;
      EXPECT_FALSE(ParseRoutes(cut, routes)) << length;
    }
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      Bytes flipped = whole;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
      static_cast<void>(ParseAddresses(flipped, 7, addresses));
      static_cast<void>(ParseRoutes(flipped, routes));
      static_cast<void>(ParseLink(flipped, link));
    }
    for (const InterfaceAddress& address : addresses) {
      EXPECT_LE(address.length, address.address.bit_length());
    }
  }
}

}  // namespace
}  // namespace jitwg::ctl
