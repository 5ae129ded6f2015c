// Who holds an address, against a slow but plain model.
#include "sniffer/install/prefix_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/sniffer/install/contract_harness.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::HostPrefix;
using jitwg::testing::Prefixes;
using jitwg::testing::TestKey;

IpPrefix P(const std::string& text) { return Prefixes({text}).front(); }

TEST(PrefixIndex, FindsEqualInsideAndAround) {
  PrefixIndex index;
  index.Insert(P("10.8.0.0/24"), TestKey(1));
  for (const char* taken :
       {"10.8.0.0/24", "10.8.0.7/32", "10.8.0.0/25", "10.8.0.0/16", "0.0.0.0/0"}) {
    const auto found = index.FindOverlap(P(taken), TestKey(2));
    ASSERT_TRUE(found) << taken;
    EXPECT_EQ(found->prefix, P("10.8.0.0/24"));
    EXPECT_EQ(found->holder, TestKey(1));
    EXPECT_FALSE(index.FindOverlap(P(taken), TestKey(1))) << "one's own is no conflict";
  }
  for (const char* free : {"10.8.1.0/24", "10.7.255.255/32", "11.0.0.0/8", "::/0", "a08::/16"}) {
    EXPECT_FALSE(index.FindOverlap(P(free), TestKey(2))) << free;
  }
}

TEST(PrefixIndex, LooksPastOnesOwnToOthersBehindAndAbove) {
  PrefixIndex index;
  index.Insert(P("10.8.0.0/24"), TestKey(1));
  index.Insert(P("10.8.0.1/32"), TestKey(1));
  index.Insert(P("10.8.0.2/32"), TestKey(2));
  index.Insert(P("0.0.0.0/0"), TestKey(3));
  EXPECT_EQ(index.FindOverlap(P("10.8.0.0/24"), TestKey(1))->holder, TestKey(2));
  EXPECT_EQ(index.FindOverlap(P("10.8.0.1/32"), TestKey(1))->holder, TestKey(3));
}

TEST(PrefixIndex, OnlyTheHolderCanGiveAPrefixBack) {
  PrefixIndex index;
  const auto prefixes = Prefixes({"10.8.0.1/32"});
  index.Insert(prefixes, TestKey(1));
  index.Insert(prefixes, TestKey(2));
  EXPECT_EQ(index.size(), 1u);
  index.Erase(prefixes, TestKey(1));
  EXPECT_EQ(index.size(), 1u);
  index.Erase(prefixes, TestKey(2));
  EXPECT_EQ(index.size(), 0u);
  EXPECT_FALSE(index.FindOverlap(prefixes.front(), TestKey(3)));
}

TEST(PrefixIndex, AgreesWithAPlainScan) {
  std::mt19937 random(7);
  const auto any = [&random](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  const auto draw = [&any] {
    std::array<std::uint8_t, 4> bytes{10, static_cast<std::uint8_t>(any(2)),
                                      static_cast<std::uint8_t>(any(4)),
                                      static_cast<std::uint8_t>(any(8))};
    return *IpPrefix::Make(IpAddress::V4(bytes), static_cast<int>(14 + any(19)));
  };
  PrefixIndex index;
  std::map<IpPrefix, PublicKey> model;
  const std::vector<PublicKey> keys = {TestKey(1), TestKey(2), TestKey(3)};
  for (int step = 0; step < 4000; ++step) {
    const IpPrefix prefix = draw();
    const PublicKey& key = keys[any(3)];
    const auto conflict = index.FindOverlap(prefix, key);
    const bool expected = std::any_of(model.begin(), model.end(), [&](const auto& entry) {
      return entry.second != key && entry.first.Overlaps(prefix);
    });
    ASSERT_EQ(conflict.has_value(), expected) << prefix.ToString();
    if (any(2) == 0) {
      index.Insert(prefix, key);
      model[prefix] = key;
    } else {
      index.Erase(std::span(&prefix, 1), key);
      if (const auto found = model.find(prefix); found != model.end() && found->second == key) {
        model.erase(found);
      }
    }
    ASSERT_EQ(index.size(), model.size());
  }
}

TEST(PrefixIndex, CoversWhatAnybodyHolds) {
  PrefixIndex index;
  const auto covers = [&](const char* address) { return index.Covers(*IpAddress::Parse(address)); };
  EXPECT_FALSE(covers("10.8.0.2"));
  index.Insert(P("10.8.0.2/32"), TestKey(1));
  index.Insert(P("10.8.4.0/22"), TestKey(2));
  index.Insert(P("fd08::/64"), TestKey(2));
  for (const char* inside : {"10.8.0.2", "10.8.4.0", "10.8.7.255", "fd08::", "fd08::ffff:1"}) {
    EXPECT_TRUE(covers(inside)) << inside;
  }
  for (const char* outside : {"10.8.0.3", "10.8.3.255", "10.8.8.0", "fd08:0:0:1::", "::"}) {
    EXPECT_FALSE(covers(outside)) << outside;
  }
  index.Insert(P("0.0.0.0/0"), TestKey(3));
  EXPECT_TRUE(covers("203.0.113.9"));
  EXPECT_FALSE(covers("2001:db8::1"));
}

TEST(PrefixIndex, HoldsAHundredThousandPeers) {
  PrefixIndex index;
  for (unsigned i = 0; i < 100'000; ++i) {
    PublicKey key;
    key.bytes[0] = static_cast<std::uint8_t>(i);
    index.Insert(HostPrefix(i), key);
  }
  EXPECT_TRUE(index.FindOverlap(HostPrefix(99'999), TestKey(1)));
  EXPECT_FALSE(index.FindOverlap(HostPrefix(100'000), TestKey(1)));
  EXPECT_TRUE(index.FindOverlap(P("fd08::/64"), TestKey(1)));
}

}  // namespace
}  // namespace jitwg::sniffer
