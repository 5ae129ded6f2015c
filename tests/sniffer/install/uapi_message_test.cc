// The userspace API's text, both ways.
#include "sniffer/install/uapi_message.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "sniffer/install/limits.h"
#include "tests/sniffer/install/contract_harness.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::Creation;
using jitwg::testing::HostPrefix;
using jitwg::testing::Prefixes;
using jitwg::testing::Removal;
using jitwg::testing::TestKey;

std::string Format(std::span<const PeerChange> changes) {
  SecretText text(SetCapacity(changes));
  EXPECT_TRUE(FormatSet(changes, text));
  return std::string(text.view());
}

TEST(FormatSet, WritesAKickAsTheSamePeerTwice) {
  auto change = Creation(1, {"10.8.0.2/32", "fd08::2/128"});
  change.preshared_key = PresharedKey::CopyOf(TestKey(9).bytes);
  change.endpoint = Endpoint{*IpAddress::Parse("fe80::1"), 4000, 2};
  change.kick = true;
  change.persistent_keepalive = 25;
  const std::string key = ToHex(TestKey(1).bytes);
  EXPECT_EQ(Format(std::span(&change, 1)),
            "set=1\npublic_key=" + key + "\npreshared_key=" + ToHex(TestKey(9).bytes) +
                "\nendpoint=[fe80::1%2]:4000\nreplace_allowed_ips=true\nallowed_ip=10.8.0.2/32\n"
                "allowed_ip=fd08::2/128\npersistent_keepalive_interval=1\npublic_key=" +
                key + "\nupdate_only=true\npersistent_keepalive_interval=25\n\n");
}

TEST(FormatSet, WritesUpdatesAndRemovals) {
  std::vector<PeerChange> changes;
  changes.push_back(Creation(1, {"10.8.0.2/32"}));
  changes.back().kind = PeerChange::Kind::kUpdate;
  changes.push_back(Removal(2));
  EXPECT_EQ(Format(changes), "set=1\npublic_key=" + ToHex(TestKey(1).bytes) +
                                 "\nupdate_only=true\npreshared_key=" + std::string(64, '0') +
                                 "\nreplace_allowed_ips=true\nallowed_ip=10.8.0.2/32\n"
                                 "persistent_keepalive_interval=0\npublic_key=" +
                                 ToHex(TestKey(2).bytes) + "\nremove=true\n\n");
}

TEST(FormatSet, AlwaysFitsItsCapacity) {
  std::vector<PeerChange> changes;
  for (unsigned i = 0; i < kMaxChangesPerApply; ++i) {
    changes.push_back(Creation(i, {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128"}));
    changes.back().endpoint =
        Endpoint{*IpAddress::Parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"), 65535, 4294967295u};
    changes.back().kick = true;
    changes.back().persistent_keepalive = 65535;
  }
  SecretText text(SetCapacity(changes));
  EXPECT_TRUE(FormatSet(changes, text));
  SecretText small(100);
  EXPECT_FALSE(FormatSet(changes, small));
}

TEST(ParseSetAnswer, TakesBothSignsAndNothingElse) {
  EXPECT_EQ(ParseSetAnswer("errno=0\n\n"), 0);
  EXPECT_EQ(ParseSetAnswer("errno=-22\n\n"), EINVAL);
  EXPECT_EQ(ParseSetAnswer("errno=22\n\n"), EINVAL);
  for (const char* bad : {"", "errno=", "errno=0", "errno=\n", "errno=x\n", "rrno=0\n",
                          "errno=99999\n", "errno=99999999999\n", "errno=-2147483648\n"}) {
    EXPECT_EQ(ParseSetAnswer(bad), std::nullopt) << bad;
  }
}

const std::string kPrivate(64, '1');

std::string FullAnswer() {
  return "private_key=" + kPrivate +
         "\nlisten_port=51820\nfwmark=5\npublic_key=" + ToHex(TestKey(1).bytes) +
         "\npreshared_key=" + ToHex(TestKey(9).bytes) +
         "\nprotocol_version=1\nendpoint=192.0.2.1:4000\nlast_handshake_time_sec=1700000000\n"
         "last_handshake_time_nsec=5000\ntx_bytes=7\nrx_bytes=9\npersistent_keepalive_interval=25\n"
         "allowed_ip=10.8.0.2/32\nallowed_ip=fd08::/64\nfrom_the_future=1\npublic_key=" +
         ToHex(TestKey(2).bytes) + "\npreshared_key=" + std::string(64, '0') +
         "\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\nerrno=0\n\n";
}

void ExpectFull(UapiParser& parser) {
  const DeviceInfo device = parser.TakeDevice();
  EXPECT_EQ(ToHex(device.private_key.bytes()), kPrivate);
  EXPECT_EQ(device.public_key, DerivePublicKey(device.private_key));
  EXPECT_EQ(device.listen_port, 51820);
  const PeerDump dump = parser.TakeDump();
  ASSERT_EQ(dump.peers.size(), 2u);
  const KernelPeer& peer = dump.peers[0];
  EXPECT_EQ(peer.public_key, TestKey(1));
  EXPECT_TRUE(peer.has_preshared_key);
  EXPECT_EQ(peer.endpoint, (Endpoint{*IpAddress::Parse("192.0.2.1"), 4000, 0}));
  EXPECT_EQ(peer.last_handshake, WallTime(std::chrono::microseconds(1'700'000'000'000'005)));
  EXPECT_EQ(peer.rx_bytes, 9u);
  EXPECT_EQ(peer.tx_bytes, 7u);
  EXPECT_EQ(peer.persistent_keepalive, 25);
  EXPECT_EQ(peer.allowed_ips, Prefixes({"10.8.0.2/32", "fd08::/64"}));
  EXPECT_FALSE(dump.peers[1].has_preshared_key);
  EXPECT_FALSE(dump.peers[1].last_handshake);
}

TEST(UapiParser, ReadsAnAnswerInPiecesOfAnySize) {
  const std::string answer = FullAnswer();
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{64}, answer.size()}) {
    UapiParser parser;
    bool done = false;
    for (std::size_t at = 0; at < answer.size(); at += size) {
      const auto fed = parser.Feed(std::string_view(answer).substr(at, size));
      ASSERT_TRUE(fed) << fed.error().message;
      done = *fed;
    }
    EXPECT_TRUE(done);
    EXPECT_EQ(parser.errno_value(), 0);
    ExpectFull(parser);
  }
}

TEST(UapiParser, IsDoneAtTheFirstPeerWhenPeersAreNotWanted) {
  UapiParser parser(/*want_peers=*/false);
  const auto done = parser.Feed(FullAnswer());
  ASSERT_TRUE(done);
  EXPECT_TRUE(*done);
  EXPECT_EQ(parser.TakeDevice().listen_port, 51820);
  EXPECT_TRUE(parser.TakeDump().peers.empty());
}

TEST(UapiParser, ADeviceWithoutKeyHasNone) {
  UapiParser parser;
  ASSERT_TRUE(*parser.Feed("listen_port=5\nerrno=0\n\n"));
  const DeviceInfo device = parser.TakeDevice();
  EXPECT_TRUE(device.private_key.IsZero());
  EXPECT_TRUE(device.public_key.IsZero());
}

TEST(UapiParser, TellsTheErrno) {
  UapiParser parser;
  ASSERT_TRUE(*parser.Feed("errno=-5\n\n"));
  EXPECT_EQ(parser.errno_value(), EIO);
}

TEST(UapiParser, RefusesDamagedLines) {
  const std::string peer = "public_key=" + ToHex(TestKey(1).bytes) + "\n";
  for (const std::string& bad :
       {std::string("private_key=zz\n"), std::string("listen_port=65536\n"),
        std::string("listen_port=-1\n"), std::string("nonsense\n"), std::string("public_key=00\n"),
        std::string("errno=x\n"), peer + "endpoint=nowhere\n", peer + "endpoint=1.2.3.4:99999\n",
        peer + "allowed_ip=10.0.0.0/33\n", peer + "rx_bytes=-1\n", peer + "preshared_key=1\n",
        peer + "last_handshake_time_sec=x\n", peer + "last_handshake_time_nsec=1000000000\n",
        peer + "persistent_keepalive_interval=65536\n", std::string(5000, 'a'),
        "x=" + std::string(5000, 'a') + "\n"}) {
    UapiParser parser;
    const auto fed = parser.Feed(bad);
    ASSERT_FALSE(fed) << bad.substr(0, 100);
    EXPECT_EQ(fed.error().code, ErrorCode::kDataLoss);
  }
}

TEST(UapiParser, HoldsNoLineWithoutEnd) {
  UapiParser parser;
  Result<bool> fed = false;
  for (int i = 0; i < 5000 && fed; ++i) fed = parser.Feed("a");
  EXPECT_FALSE(fed);
}

TEST(UapiParser, SurvivesEveryTruncationAndChangedByte) {
  const std::string answer = FullAnswer();
  for (std::size_t size = 0; size + 1 < answer.size(); ++size) {
    UapiParser parser;
    const auto fed = parser.Feed(answer.substr(0, size));
    ASSERT_TRUE(fed);
    EXPECT_FALSE(*fed) << size;
  }
  for (std::size_t at = 0; at < answer.size(); ++at) {
    for (const char change : {'\n', '=', '\0', '\xff', '9'}) {
      std::string changed = answer;
      changed[at] = change;
      UapiParser parser;
      const auto fed = parser.Feed(changed);
      EXPECT_TRUE(!fed || parser.TakeDump().peers.size() <= 3u);
    }
  }
}

TEST(ParseUapiEndpoint, TakesBothFamiliesAndZones) {
  EXPECT_EQ(ParseUapiEndpoint("192.0.2.1:1"), (Endpoint{*IpAddress::Parse("192.0.2.1"), 1, 0}));
  EXPECT_EQ(ParseUapiEndpoint("[2001:db8::1]:65535"),
            (Endpoint{*IpAddress::Parse("2001:db8::1"), 65535, 0}));
  EXPECT_EQ(ParseUapiEndpoint("[fe80::1%7]:9"), (Endpoint{*IpAddress::Parse("fe80::1"), 9, 7}));
  EXPECT_EQ(ParseUapiEndpoint("[fe80::1%eth0]:9"), (Endpoint{*IpAddress::Parse("fe80::1"), 9, 0}));
  for (const char* bad :
       {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "[1.2.3.4]:1", "2001:db8::1:1:1:1:1:1:1",
        "[2001:db8::1]", "[]:1", "[:1", "fe80::1%1:9"}) {
    EXPECT_EQ(ParseUapiEndpoint(bad), std::nullopt) << bad;
  }
}

TEST(UapiMessageTest, SettingsAreKeyAndPortInOneTransaction) {
  const DeviceSettings settings{GeneratePrivateKey(), 51877};
  SecretText text(kConfigureCapacity);
  ASSERT_TRUE(FormatConfigure(settings, text));
  EXPECT_EQ(text.view(), "set=1\nprivate_key=" + ToHex(settings.private_key.bytes()) +
                             "\nlisten_port=51877\n\n");
  SecretText small(40);
  EXPECT_FALSE(FormatConfigure(settings, small));
}

}  // namespace
}  // namespace jitwg::sniffer
