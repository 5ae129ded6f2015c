// Notices of network interfaces, as bytes.
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>
#include <string>
#include <vector>

#include "sniffer/install/link_monitor.h"

namespace jitwg::sniffer {
namespace {

void Append(std::vector<std::uint8_t>& bytes, const void* data, std::size_t size) {
  const auto* from = static_cast<const std::uint8_t*>(data);
  bytes.insert(bytes.end(), from, from + size);
  bytes.resize((bytes.size() + 3) & ~std::size_t{3});
}

std::vector<std::uint8_t> Message(std::uint16_t type, int ifindex, unsigned flags,
                                  const std::string& name) {
  std::vector<std::uint8_t> bytes(sizeof(nlmsghdr));
  ifinfomsg info{};
  info.ifi_index = ifindex;
  info.ifi_flags = flags;
  Append(bytes, &info, sizeof(info));
  const rtattr mtu{static_cast<unsigned short>(sizeof(rtattr) + 4), IFLA_MTU};
  Append(bytes, &mtu, sizeof(mtu));
  Append(bytes, "abcd", 4);
  const rtattr attribute{static_cast<unsigned short>(sizeof(rtattr) + name.size() + 1),
                         IFLA_IFNAME};
  Append(bytes, &attribute, sizeof(attribute));
  Append(bytes, name.c_str(), name.size() + 1);
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(bytes.size());
  header.nlmsg_type = type;
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

struct Collected {
  std::vector<LinkEvent> events;
  LinkListener Listener() {
    return [this](const LinkEvent& event) { events.push_back(event); };
  }
};

TEST(ParseLinkEvents, ReadsSeveralMessages) {
  auto bytes = Message(RTM_NEWLINK, 5, IFF_UP, "wg0");
  const auto second = Message(RTM_DELLINK, 6, 0, "fifteen-chars-x");
  bytes.insert(bytes.end(), second.begin(), second.end());
  const auto other = Message(RTM_NEWADDR, 7, 0, "wg1");
  bytes.insert(bytes.end(), other.begin(), other.end());
  Collected collected;
  EXPECT_TRUE(ParseLinkEvents(bytes, collected.Listener()));
  ASSERT_EQ(collected.events.size(), 2u);
  EXPECT_EQ(collected.events[0].kind, LinkEvent::Kind::kChanged);
  EXPECT_EQ(collected.events[0].ifindex, 5u);
  EXPECT_EQ(collected.events[0].name, "wg0");
  EXPECT_TRUE(collected.events[0].up);
  EXPECT_EQ(collected.events[1].kind, LinkEvent::Kind::kDeleted);
  EXPECT_EQ(collected.events[1].name, "fifteen-chars-x");
  EXPECT_FALSE(collected.events[1].up);
}

TEST(ParseLinkEvents, SurvivesEveryTruncationAndChangedByte) {
  const auto whole = Message(RTM_NEWLINK, 5, IFF_UP, "wg0");
  Collected collected;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const std::vector<std::uint8_t> cut(whole.begin(),
                                        whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(ParseLinkEvents(cut, collected.Listener())) << size;
  }
  EXPECT_TRUE(collected.events.empty());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x04, 0x80, 0xff}) {
      auto changed = whole;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
      ParseLinkEvents(changed, collected.Listener());
    }
  }
  for (const LinkEvent& event : collected.events) EXPECT_LT(event.name.size(), 16u);
}

}  // namespace
}  // namespace jitwg::sniffer
