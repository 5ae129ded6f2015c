// The guard's rules, one by one and in their order.
#include "sniffer/install/guard.h"

#include <gtest/gtest.h>

#include <set>

#include "sniffer/install/limits.h"
#include "tests/sniffer/install/contract_harness.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::HostPrefix;
using jitwg::testing::Prefixes;
using jitwg::testing::TestKey;

class GuardTest : public ::testing::Test {
 protected:
  std::optional<PeerOutcome> Check(const PublicKey& key, const std::vector<IpPrefix>& allowed_ips,
                                   Standing standing = Standing::kUnknown,
                                   std::size_t own_count = 0) {
    const auto refusal =
        CheckInstall(policy_, {key, allowed_ips, interface_key_, standing, own_count}, holders_);
    if (!refusal) return std::nullopt;
    EXPECT_FALSE(refusal->message.empty());
    EXPECT_EQ(refusal->message.find('\n'), std::string::npos);
    return refusal->outcome;
  }

  GuardPolicy policy_{Prefixes({"10.8.0.0/16", "fd08::/64"}), 10};
  PublicKey interface_key_ = TestKey(1000);
  PrefixIndex holders_;
};

TEST_F(GuardTest, LetsAPeerInsideItsPrefixesIn) {
  EXPECT_FALSE(Check(TestKey(1), Prefixes({"10.8.0.2/32", "fd08::2/128"})));
  EXPECT_FALSE(Check(TestKey(1), Prefixes({"10.8.0.0/16"})));
}

TEST_F(GuardTest, RefusesTheInterfacesKeyAndNoKeyAtAll) {
  EXPECT_EQ(Check(interface_key_, Prefixes({"10.8.0.2/32"})), PeerOutcome::kRefusedOwnKey);
  EXPECT_EQ(Check(PublicKey{}, Prefixes({"10.8.0.2/32"})), PeerOutcome::kRefusedOwnKey);
}

TEST_F(GuardTest, RefusesAForeignPeerWhateverItAsks) {
  EXPECT_EQ(Check(TestKey(1), {}, Standing::kForeign), PeerOutcome::kRefusedForeign);
}

TEST_F(GuardTest, CapCountsForNewPeersOnly) {
  EXPECT_FALSE(Check(TestKey(1), Prefixes({"10.8.0.2/32"}), Standing::kUnknown, 9));
  EXPECT_EQ(Check(TestKey(1), Prefixes({"10.8.0.2/32"}), Standing::kUnknown, 10),
            PeerOutcome::kRefusedCap);
  EXPECT_FALSE(Check(TestKey(1), Prefixes({"10.8.0.2/32"}), Standing::kOwn, 10));
}

TEST_F(GuardTest, RefusesWhatIsNotWhollyInsideOnePrefix) {
  for (const char* outside :
       {"10.9.0.1/32", "10.0.0.0/8", "0.0.0.0/0", "fd08:0:0:1::1/128", "::/0", "10.8.0.0/15"}) {
    EXPECT_EQ(Check(TestKey(1), Prefixes({"10.8.0.2/32", outside})), PeerOutcome::kRefusedPrefix)
        << outside;
  }
  policy_.allowed_prefixes.clear();
  EXPECT_EQ(Check(TestKey(1), Prefixes({"10.8.0.2/32"})), PeerOutcome::kRefusedPrefix);
}

TEST_F(GuardTest, RefusesNoneAndTooManyAllowedIps) {
  EXPECT_EQ(Check(TestKey(1), {}), PeerOutcome::kRefusedPrefix);
  std::vector<IpPrefix> many;
  for (unsigned i = 0; i < kMaxAllowedIpsPerChange; ++i) many.push_back(HostPrefix(i));
  EXPECT_FALSE(Check(TestKey(1), many));
  many.push_back(HostPrefix(kMaxAllowedIpsPerChange));
  EXPECT_EQ(Check(TestKey(1), many), PeerOutcome::kRefusedPrefix);
}

TEST_F(GuardTest, RefusesAnOverlapWithAnyOtherPeer) {
  holders_.Insert(Prefixes({"10.8.3.0/24"}), TestKey(2));
  for (const char* taken : {"10.8.3.0/24", "10.8.3.4/32", "10.8.0.0/16"}) {
    EXPECT_EQ(Check(TestKey(1), Prefixes({"10.8.0.2/32", taken})),
              PeerOutcome::kRefusedAddressTaken)
        << taken;
  }
  EXPECT_FALSE(Check(TestKey(2), Prefixes({"10.8.3.0/24"}), Standing::kOwn));
}

TEST(IsCallable, OnlyOtherMachinesAndNotEverybody) {
  const auto callable = [](const char* address, std::uint16_t port = 51820,
                           std::uint32_t scope = 0) {
    return IsCallable({*IpAddress::Parse(address), port, scope});
  };
  for (const char* address : {"192.0.2.7", "10.0.0.1", "223.1.1.1", "2001:db8::1", "fd08::1"}) {
    EXPECT_TRUE(callable(address)) << address;
    EXPECT_FALSE(callable(address, 0)) << address;
  }
  for (const char* address :
       {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.64.1.1", "224.0.0.1", "255.255.255.255",
        "::", "::1", "::ffff:127.0.0.1", "ff02::1", "64:ff9b::7f00:1"}) {
    EXPECT_FALSE(callable(address)) << address;
  }
  EXPECT_FALSE(callable("fe80::1"));
  EXPECT_TRUE(callable("fe80::1", 51820, 2));
}

TEST(PeerOutcome, EachHasItsOwnWord) {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < kPeerOutcomeCount; ++i) {
    words.insert(ToString(static_cast<PeerOutcome>(i)));
  }
  EXPECT_EQ(words.size(), kPeerOutcomeCount);
}

}  // namespace
}  // namespace jitwg::sniffer
