// The kernel's replies: whole, split, interrupted, cut at every byte, with every byte changed.
#include <gtest/gtest.h>

#include <cerrno>
#include <limits>

#include "sniffer/install/wg_message.h"
#include "tests/sniffer/install/contract_harness.h"
#include "tests/sniffer/install/reply_builder.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::HostPrefix;
using jitwg::testing::Prefixes;
using jitwg::testing::ReplyBuilder;
using jitwg::testing::TestKey;
using Step = DumpParser::Step;

constexpr std::uint32_t kSequence = 42;

struct Timespec {
  std::int64_t seconds;
  std::int64_t nanoseconds;
};

// A reply with device, one full peer and one bare peer.
std::vector<std::uint8_t> FullReply(const PrivateKey& key) {
  ReplyBuilder reply(kSequence);
  reply.BeginMessage();
  reply.PutDevice(key, 51820);
  const auto peers = reply.BeginNest(WGDEVICE_A_PEERS);
  const auto first = reply.BeginNest(0);
  reply.Put(WGPEER_A_PUBLIC_KEY, TestKey(1).bytes);
  reply.Put(WGPEER_A_PRESHARED_KEY, TestKey(9).bytes);
  reply.PutValue(WGPEER_A_LAST_HANDSHAKE_TIME, Timespec{1'700'000'000, 5000});
  reply.PutValue(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, std::uint16_t{25});
  reply.PutValue(WGPEER_A_RX_BYTES, std::uint64_t{1} << 40);
  reply.PutValue(WGPEER_A_TX_BYTES, std::uint64_t{7});
  reply.PutValue(WGPEER_A_PROTOCOL_VERSION, std::uint32_t{1});
  sockaddr_in endpoint{};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(4000);
  endpoint.sin_addr.s_addr = htonl(0xc0000201);
  reply.PutValue(WGPEER_A_ENDPOINT, endpoint);
  reply.PutAllowedIps(Prefixes({"10.8.0.2/32", "fd08::/64"}));
  reply.EndNest(first);
  const auto second = reply.BeginNest(0);
  reply.Put(WGPEER_A_PUBLIC_KEY, TestKey(2).bytes);
  reply.Put(WGPEER_A_PRESHARED_KEY, PublicKey{}.bytes);
  reply.PutValue(WGPEER_A_LAST_HANDSHAKE_TIME, Timespec{0, 0});
  reply.EndNest(second);
  reply.EndNest(peers);
  reply.End(NLMSG_DONE, 0);
  return reply.bytes();
}

TEST(DumpParser, ReadsDeviceAndPeers) {
  const PrivateKey key = GeneratePrivateKey();
  DumpParser parser(kSequence);
  const auto step = parser.Feed(FullReply(key));
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_EQ(*step, Step::kDone);
  ASSERT_TRUE(parser.has_device());
  const DeviceInfo device = parser.TakeDevice();
  EXPECT_EQ(device.name, "wg0");
  EXPECT_EQ(device.ifindex, 7u);
  EXPECT_TRUE(device.private_key == key);
  EXPECT_EQ(device.listen_port, 51820);
  const PeerDump dump = parser.TakeDump();
  EXPECT_FALSE(dump.interrupted);
  ASSERT_EQ(dump.peers.size(), 2u);
  const KernelPeer& peer = dump.peers[0];
  EXPECT_EQ(peer.public_key, TestKey(1));
  EXPECT_TRUE(peer.has_preshared_key);
  EXPECT_EQ(peer.last_handshake, WallTime(std::chrono::microseconds(1'700'000'000'000'005)));
  EXPECT_EQ(peer.persistent_keepalive, 25);
  EXPECT_EQ(peer.rx_bytes, std::uint64_t{1} << 40);
  EXPECT_EQ(peer.tx_bytes, 7u);
  EXPECT_EQ(peer.endpoint, (Endpoint{*IpAddress::Parse("192.0.2.1"), 4000, 0}));
  EXPECT_EQ(peer.allowed_ips, Prefixes({"10.8.0.2/32", "fd08::/64"}));
  EXPECT_FALSE(dump.peers[1].has_preshared_key);
  EXPECT_FALSE(dump.peers[1].last_handshake) << "zero means never";
  EXPECT_FALSE(dump.peers[1].endpoint);
}

TEST(DumpParser, SkipsPeersWhenOnlyTheDeviceIsWanted) {
  DumpParser parser(kSequence, /*want_peers=*/false);
  ASSERT_TRUE(parser.Feed(FullReply(GeneratePrivateKey())));
  EXPECT_TRUE(parser.has_device());
  EXPECT_TRUE(parser.TakeDump().peers.empty());
}

TEST(DumpParser, MergesAPeerThatIsSplitOverMessages) {
  DumpParser parser(kSequence);
  for (unsigned part = 0; part < 3; ++part) {
    ReplyBuilder reply(kSequence);
    reply.BeginMessage();
    const auto peers = reply.BeginNest(WGDEVICE_A_PEERS);
    const auto peer = reply.BeginNest(0);
    reply.Put(WGPEER_A_PUBLIC_KEY, TestKey(1).bytes);
    if (part == 0) reply.PutValue(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, std::uint16_t{9});
    reply.PutAllowedIps(std::vector<IpPrefix>{HostPrefix(2 * part), HostPrefix(2 * part + 1)});
    reply.EndNest(peer);
    reply.EndNest(peers);
    const auto step = parser.Feed(reply.bytes());
    ASSERT_TRUE(step);
    EXPECT_EQ(*step, Step::kMore);
  }
  const PeerDump dump = parser.TakeDump();
  ASSERT_EQ(dump.peers.size(), 1u);
  EXPECT_EQ(dump.peers[0].allowed_ips.size(), 6u);
  EXPECT_EQ(dump.peers[0].persistent_keepalive, 9);
}

TEST(DumpParser, KeepsTheKeyOfTheFirstMessageOnly) {
  const PrivateKey key = GeneratePrivateKey();
  DumpParser parser(kSequence);
  ReplyBuilder first(kSequence);
  first.BeginMessage();
  first.PutDevice(key, 1);
  ASSERT_TRUE(parser.Feed(first.bytes()));
  ReplyBuilder later(kSequence);
  later.BeginMessage();
  later.PutDevice(GeneratePrivateKey(), 2);
  ASSERT_TRUE(parser.Feed(later.bytes()));
  const DeviceInfo device = parser.TakeDevice();
  EXPECT_TRUE(device.private_key == key);
  EXPECT_EQ(device.listen_port, 1);
}

TEST(DumpParser, ReportsAnInterruptedDumpAndGoesOn) {
  DumpParser parser(kSequence);
  ReplyBuilder reply(kSequence);
  reply.BeginMessage(NLM_F_MULTI | NLM_F_DUMP_INTR);
  reply.PutDevice(GeneratePrivateKey(), 1);
  const auto step = parser.Feed(reply.bytes());
  ASSERT_TRUE(step);
  EXPECT_EQ(*step, Step::kMore);
  EXPECT_TRUE(parser.TakeDump().interrupted);
}

TEST(DumpParser, TellsTheKernelsErrno) {
  for (const std::uint16_t type : {std::uint16_t{NLMSG_ERROR}, std::uint16_t{NLMSG_DONE}}) {
    DumpParser parser(kSequence);
    ReplyBuilder reply(kSequence);
    reply.End(type, -ENODEV);
    EXPECT_FALSE(parser.Feed(reply.bytes()));
    EXPECT_EQ(parser.errno_value(), ENODEV);
  }
}

TEST(DumpParser, IgnoresAnswersToOthers) {
  DumpParser parser(kSequence + 1);
  const auto step = parser.Feed(FullReply(GeneratePrivateKey()));
  ASSERT_TRUE(step);
  EXPECT_EQ(*step, Step::kMore);
  EXPECT_FALSE(parser.has_device());
}

TEST(DumpParser, ClampsAHandshakeTimeThatNoClockCanHold) {
  for (const Timespec stamp : {Timespec{std::numeric_limits<std::int64_t>::max(), 0},
                               Timespec{std::numeric_limits<std::int64_t>::min(), -1},
                               Timespec{1, std::numeric_limits<std::int64_t>::max()}}) {
    DumpParser parser(kSequence);
    ReplyBuilder reply(kSequence);
    reply.BeginMessage();
    const auto peers = reply.BeginNest(WGDEVICE_A_PEERS);
    const auto peer = reply.BeginNest(0);
    reply.Put(WGPEER_A_PUBLIC_KEY, TestKey(1).bytes);
    reply.PutValue(WGPEER_A_LAST_HANDSHAKE_TIME, stamp);
    reply.EndNest(peer);
    reply.EndNest(peers);
    EXPECT_TRUE(parser.Feed(reply.bytes()));
  }
}

TEST(DumpParser, RefusesAPeerWithoutKeyOrWithALyingPrefix) {
  for (const bool with_key : {false, true}) {
    DumpParser parser(kSequence);
    ReplyBuilder reply(kSequence);
    reply.BeginMessage();
    const auto peers = reply.BeginNest(WGDEVICE_A_PEERS);
    const auto peer = reply.BeginNest(0);
    if (with_key) {
      reply.Put(WGPEER_A_PUBLIC_KEY, TestKey(1).bytes);
      const auto list = reply.BeginNest(WGPEER_A_ALLOWEDIPS);
      const auto entry = reply.BeginNest(0);
      reply.PutValue(WGALLOWEDIP_A_IPADDR, std::uint32_t{0});
      reply.PutValue(WGALLOWEDIP_A_CIDR_MASK, std::uint8_t{33});
      reply.EndNest(entry);
      reply.EndNest(list);
    }
    reply.EndNest(peer);
    reply.EndNest(peers);
    const auto step = parser.Feed(reply.bytes());
    ASSERT_FALSE(step);
    EXPECT_EQ(step.error().code, ErrorCode::kDataLoss);
  }
}

TEST(DumpParser, SurvivesEveryTruncation) {
  const auto whole = FullReply(GeneratePrivateKey());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of its own, so that a sanitizer sees a read past the end.
    const std::vector<std::uint8_t> cut(whole.begin(),
                                        whole.begin() + static_cast<std::ptrdiff_t>(size));
    DumpParser parser(kSequence);
    const auto step = parser.Feed(cut);
    EXPECT_TRUE(!step || *step == Step::kMore) << size;
  }
}

TEST(DumpParser, SurvivesEveryChangedByte) {
  const auto whole = FullReply(GeneratePrivateKey());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      auto changed = whole;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
      DumpParser parser(kSequence);
      const auto step = parser.Feed(changed);
      EXPECT_TRUE(!step || parser.TakeDump().peers.size() <= 2u);
    }
  }
}

TEST(ParseAck, TellsSuccessErrnoAndNothing) {
  for (const int error : {0, ENODEV, EPERM, EOPNOTSUPP}) {
    ReplyBuilder reply(kSequence);
    reply.End(NLMSG_ERROR, -error);
    EXPECT_EQ(ParseAck(reply.bytes(), kSequence), error);
    EXPECT_EQ(ParseAck(reply.bytes(), kSequence + 1), EBADMSG);
  }
  EXPECT_EQ(ParseAck({}, kSequence), EBADMSG);
  ReplyBuilder positive(kSequence);
  positive.End(NLMSG_ERROR, 5);
  EXPECT_EQ(ParseAck(positive.bytes(), kSequence), EBADMSG);
}

TEST(ParseFamily, FindsTheIdAndTellsAMissingModule) {
  ReplyBuilder reply(kSequence);
  reply.BeginMessage(0, GENL_ID_CTRL);
  reply.PutValue(CTRL_ATTR_FAMILY_ID, std::uint16_t{0x1f});
  EXPECT_EQ(*ParseFamily(reply.bytes(), kSequence), 0x1f);
  ReplyBuilder error(kSequence);
  error.End(NLMSG_ERROR, -ENOENT);
  EXPECT_EQ(ParseFamily(error.bytes(), kSequence).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ParseFamily({}, kSequence).error().code, ErrorCode::kDataLoss);
}

}  // namespace
}  // namespace jitwg::sniffer
