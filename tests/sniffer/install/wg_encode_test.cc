// Requests to the kernel, read back with libmnl and with the parser of the replies (they share the
// peers' form).
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>

#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "sniffer/install/limits.h"
#include "sniffer/install/wg_message.h"
#include "sniffer/install/wiped_buffer.h"
#include "tests/sniffer/install/contract_harness.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::Creation;
using jitwg::testing::HostPrefix;
using jitwg::testing::Removal;
using jitwg::testing::TestKey;

const WgRequest kRequest{0x1c, 77, "wg0"};

// One peer entry as it is on the wire.
struct WirePeer {
  PublicKey key;
  std::uint32_t flags = 0;
  bool has_preshared_key_attribute = false;
  std::optional<std::uint16_t> keepalive;
  std::size_t endpoint_size = 0;
  bool has_allowed_ips = false;
};

using Visit = std::function<void(const nlattr*)>;

int CallVisit(const nlattr* attribute, void* visit) {
  (*static_cast<Visit*>(visit))(attribute);
  return MNL_CB_OK;
}

WirePeer ReadPeer(const nlattr* entry) {
  WirePeer peer;
  Visit visit = [&peer](const nlattr* attribute) {
    const std::span<const std::uint8_t> value(
        static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)),
        mnl_attr_get_payload_len(attribute));
    switch (mnl_attr_get_type(attribute)) {
      case WGPEER_A_PUBLIC_KEY:
        peer.key = *PublicKey::FromBytes(value);
        break;
      case WGPEER_A_FLAGS:
        peer.flags = mnl_attr_get_u32(attribute);
        break;
      case WGPEER_A_PRESHARED_KEY:
        peer.has_preshared_key_attribute = true;
        break;
      case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
        peer.keepalive = mnl_attr_get_u16(attribute);
        break;
      case WGPEER_A_ENDPOINT:
        peer.endpoint_size = value.size();
        break;
      case WGPEER_A_ALLOWEDIPS:
        peer.has_allowed_ips = true;
        break;
    }
  };
  mnl_attr_parse_nested(entry, CallVisit, &visit);
  return peer;
}

std::vector<WirePeer> Encode(std::span<const PeerChange> changes) {
  WipedBuffer buffer(kSetMessageSize);
  const auto size = EncodeSetDevice(kRequest, changes, buffer.span());
  std::vector<WirePeer> peers;
  if (!size) {
    ADD_FAILURE() << size.error().message;
    return peers;
  }
  const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
  EXPECT_EQ(header->nlmsg_len, *size);
  EXPECT_EQ(header->nlmsg_type, kRequest.family);
  EXPECT_EQ(header->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
  Visit entry = [&peers](const nlattr* attribute) { peers.push_back(ReadPeer(attribute)); };
  Visit top = [&entry](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != WGDEVICE_A_PEERS) return;
    EXPECT_NE(attribute->nla_type & NLA_F_NESTED, 0);
    mnl_attr_parse_nested(attribute, CallVisit, &entry);
  };
  mnl_attr_parse(header, sizeof(genlmsghdr), CallVisit, &top);
  return peers;
}

TEST(EncodeSetDevice, FlagsTellCreationUpdateAndRemovalApart) {
  std::vector<PeerChange> changes;
  changes.push_back(Creation(1, {"10.8.0.2/32"}));
  changes.push_back(Creation(2, {"10.8.0.3/32"}));
  changes.back().kind = PeerChange::Kind::kUpdate;
  changes.push_back(Removal(3));
  const auto peers = Encode(changes);
  ASSERT_EQ(peers.size(), 3u);
  EXPECT_EQ(peers[0].flags, WGPEER_F_REPLACE_ALLOWEDIPS);
  EXPECT_EQ(peers[1].flags, WGPEER_F_REPLACE_ALLOWEDIPS | WGPEER_F_UPDATE_ONLY);
  EXPECT_NE(peers[2].flags & WGPEER_F_REMOVE_ME, 0u);
  EXPECT_TRUE(peers[0].has_preshared_key_attribute) << "an unset one must clear what was there";
  EXPECT_FALSE(peers[2].has_preshared_key_attribute);
  EXPECT_FALSE(peers[2].has_allowed_ips);
  EXPECT_EQ(peers[0].endpoint_size, 0u);
}

TEST(EncodeSetDevice, AKickIsTheSameKeyTwice) {
  auto change = Creation(1, {"10.8.0.2/32"});
  change.endpoint = Endpoint{*IpAddress::Parse("192.0.2.1"), 4000, 0};
  change.kick = true;
  change.persistent_keepalive = 25;
  const auto peers = Encode(std::span(&change, 1));
  ASSERT_EQ(peers.size(), 2u);
  EXPECT_EQ(peers[0].key, peers[1].key);
  EXPECT_EQ(peers[0].keepalive, 1);
  EXPECT_EQ(peers[0].endpoint_size, 16u);
  EXPECT_EQ(peers[1].keepalive, 25);
  EXPECT_EQ(peers[1].flags, WGPEER_F_UPDATE_ONLY);
  EXPECT_EQ(peers[1].endpoint_size, 0u);
  EXPECT_FALSE(peers[1].has_allowed_ips);
}

TEST(EncodeSetDevice, IsReadBackByTheParserWithScopeAndAll) {
  auto change = Creation(1, {"10.8.0.0/24", "fd08::2/128"});
  change.preshared_key = PresharedKey::CopyOf(TestKey(9).bytes);
  change.persistent_keepalive = 65535;
  change.endpoint = Endpoint{*IpAddress::Parse("fe80::1"), 65535, 7};
  WipedBuffer buffer(kSetMessageSize);
  const auto size = EncodeSetDevice(kRequest, std::span(&change, 1), buffer.span());
  ASSERT_TRUE(size);
  DumpParser parser(kRequest.sequence);
  ASSERT_TRUE(parser.Feed(buffer.span().first(*size)));
  const PeerDump dump = parser.TakeDump();
  ASSERT_EQ(dump.peers.size(), 1u);
  EXPECT_EQ(dump.peers[0].public_key, change.public_key);
  EXPECT_EQ(dump.peers[0].allowed_ips, change.allowed_ips);
  EXPECT_EQ(dump.peers[0].endpoint, change.endpoint);
  EXPECT_EQ(dump.peers[0].persistent_keepalive, 65535);
  EXPECT_TRUE(dump.peers[0].has_preshared_key);
}

TEST(FittingChanges, NeverMakesAMessageThatDoesNotFit) {
  for (const std::size_t ips : {0u, 1u, 2u, 7u, 100u, 1024u}) {
    std::vector<PeerChange> changes;
    for (unsigned i = 0; i < kMaxChangesPerApply; ++i) {
      changes.push_back(Creation(i, {}));
      for (unsigned j = 0; j < ips; ++j) changes.back().allowed_ips.push_back(HostPrefix(j));
      changes.back().endpoint = Endpoint{*IpAddress::Parse("2001:db8::1"), 1, 0};
      changes.back().kick = true;
    }
    const std::size_t fitting = FittingChanges(changes);
    ASSERT_GE(fitting, 1u);
    EXPECT_EQ(Encode(std::span(changes).first(fitting)).size(), 2 * fitting) << ips;
  }
  EXPECT_EQ(FittingChanges({}), 0u);
}

TEST(EncodeSetDevice, SaysWhenTheBufferIsTooSmall) {
  const auto change = Creation(1, {"10.8.0.2/32"});
  WipedBuffer whole(kSetMessageSize);
  const auto size = EncodeSetDevice(kRequest, std::span(&change, 1), whole.span());
  ASSERT_TRUE(size);
  for (std::size_t room = 0; room < *size; ++room) {
    WipedBuffer buffer(room);
    EXPECT_FALSE(EncodeSetDevice(kRequest, std::span(&change, 1), buffer.span())) << room;
  }
}

TEST(EncodeGetDevice, AsksForADump) {
  WipedBuffer buffer(256);
  const auto size = EncodeGetDevice(kRequest, buffer.span());
  ASSERT_TRUE(size);
  const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
  EXPECT_EQ(header->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
  DumpParser parser(kRequest.sequence);
  ASSERT_TRUE(parser.Feed(buffer.span().first(*size)));
  EXPECT_EQ(parser.TakeDevice().name, "wg0");
}

TEST(WgEncodeTest, SettingsAreNameKeyAndPortAndNoPeers) {
  WipedBuffer buffer(256);
  const DeviceSettings settings{GeneratePrivateKey(), 51877};
  const auto size = EncodeConfigureDevice(kRequest, settings, buffer.span());
  ASSERT_TRUE(size) << size.error().message;
  const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
  EXPECT_EQ(header->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
  bool key = false;
  bool port = false;
  bool other = false;
  Visit visit = [&](const nlattr* attribute) {
    const auto type = mnl_attr_get_type(attribute);
    if (type == WGDEVICE_A_PRIVATE_KEY) {
      key = mnl_attr_get_payload_len(attribute) == kKeySize &&
            std::memcmp(mnl_attr_get_payload(attribute), settings.private_key.bytes().data(),
                        kKeySize) == 0;
    } else if (type == WGDEVICE_A_LISTEN_PORT) {
      port = mnl_attr_get_u16(attribute) == 51877;
    } else if (type != WGDEVICE_A_IFNAME) {
      other = true;
    }
  };
  mnl_attr_parse(header, sizeof(genlmsghdr), CallVisit, &visit);
  EXPECT_TRUE(key);
  EXPECT_TRUE(port);
  EXPECT_FALSE(other);
  WipedBuffer small(48);
  EXPECT_FALSE(EncodeConfigureDevice(kRequest, settings, small.span()));
}

TEST(WgEncodeTest, AChangeNamesTheInterfaceByNameOrIndexAndNeverByBoth) {
  const PeerChange change = Removal(1);
  for (const unsigned ifindex : {0u, 4711u}) {
    const WgRequest request{kRequest.family, kRequest.sequence, kRequest.interface, ifindex};
    WipedBuffer buffer(kSetMessageSize);
    ASSERT_TRUE(EncodeSetDevice(request, std::span(&change, 1), buffer.span()));
    std::optional<std::uint32_t> index;
    std::optional<std::string> name;
    Visit visit = [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) == WGDEVICE_A_IFINDEX) index = mnl_attr_get_u32(attribute);
      if (mnl_attr_get_type(attribute) == WGDEVICE_A_IFNAME) name = mnl_attr_get_str(attribute);
    };
    mnl_attr_parse(reinterpret_cast<const nlmsghdr*>(buffer.data()), sizeof(genlmsghdr), CallVisit,
                   &visit);
    EXPECT_EQ(index.has_value(), ifindex != 0);
    EXPECT_EQ(index.value_or(0), ifindex);
    EXPECT_EQ(name.value_or(""), ifindex == 0 ? "wg0" : "");
  }
}

}  // namespace
}  // namespace jitwg::sniffer
