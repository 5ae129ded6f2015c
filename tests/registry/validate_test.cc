// What may be stored at all.
#include <gtest/gtest.h>

#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

bool Valid(const Peer& peer) { return Validate(peer).has_value(); }

TEST(Validate, TakesAnOrdinaryPeer) { EXPECT_TRUE(Valid(TestPeer(1, {"10.0.0.1/32", "::/0"}))); }

TEST(Validate, RefusesKeysOfZeros) {
  Peer peer = TestPeer(1, {"10.0.0.1/32"});
  peer.public_key = {};
  EXPECT_FALSE(Valid(peer));
  peer = TestPeer(1, {"10.0.0.1/32"});
  peer.preshared_key.emplace();
  EXPECT_FALSE(Valid(peer));
}

TEST(Validate, BoundsTheNumberOfAllowedIps) {
  Peer peer = TestPeer(1, {});
  EXPECT_FALSE(Valid(peer));
  for (std::size_t i = 0; i < kMaxAllowedIps; ++i) {
    peer.allowed_ips.push_back(*IpPrefix::Parse("10.0." + std::to_string(i) + ".0/24"));
  }
  EXPECT_TRUE(Valid(peer));
  peer.allowed_ips.push_back(*IpPrefix::Parse("10.1.0.0/24"));
  EXPECT_FALSE(Valid(peer));
}

TEST(Validate, RefusesOverlapInsideTheList) {
  EXPECT_FALSE(Valid(TestPeer(1, {"10.0.0.0/8", "fd00::/8", "10.1.2.3/32"})));
  EXPECT_FALSE(Valid(TestPeer(1, {"10.0.0.1/32", "10.0.0.1/32"})));
}

TEST(Validate, ACharacterThatIsCutOffIsNotReadBeyond) {
  // Of just this size, so that a sanitizer sees what is read behind it.
  for (const std::string_view text : {"\xc2", "a\xe2\x82", "\xf0\x9f\x90"}) {
    const std::vector<char> copy(text.begin(), text.end());
    EXPECT_FALSE(ValidateLabel("name", {copy.data(), copy.size()}));
  }
}

TEST(Validate, KnowsNetworkNames) {
  Peer peer = TestPeer(1, {"10.0.0.1/32"});
  for (const std::string& good : {std::string("a"), std::string("home-1"), std::string(63, 'z')}) {
    peer.network = good;
    EXPECT_TRUE(Valid(peer)) << good;
  }
  for (const std::string& bad : {std::string(), std::string("Home"), std::string("a b"),
                                 std::string("a_b"), std::string(64, 'z'), std::string(1, '\0')}) {
    peer.network = bad;
    EXPECT_FALSE(Valid(peer)) << bad;
  }
}

TEST(Validate, NamesAreUtf8WithoutControlCharacters) {
  Peer peer = TestPeer(1, {"10.0.0.1/32"});
  for (const std::string& good :
       {std::string(), std::string("J\xc3\xb6rg"), std::string("\xe2\x82\xac"),
        std::string("\xf0\x9f\x94\x91"), std::string(128, 'n')}) {
    peer.name = good;
    EXPECT_TRUE(Valid(peer)) << good;
  }
  for (const std::string& bad :
       {std::string(129, 'n'), std::string("a\nb"), std::string("\x1b[31m"), std::string("\x7f"),
        std::string("\xc2\x9b"), std::string("\xc3"), std::string("\xff"), std::string("\xc0\xaf"),
        std::string("\xed\xa0\x80"), std::string("\xe0\x80\x80"), std::string("\xf0\x80\x80\x80"),
        std::string("\xf4\x90\x80\x80"), std::string("a\0b", 3)}) {
    peer.name = bad;
    EXPECT_FALSE(Valid(peer)) << bad;
    peer.name.clear();
    peer.gateway = bad;
    EXPECT_FALSE(Valid(peer)) << bad;
    peer.gateway.clear();
  }
}

TEST(PeerClone, CopiesEverything) {
  Peer peer = TestPeer(1, {"10.0.0.1/32"});
  peer.name = "n";
  peer.network = "w";
  peer.gateway = "g";
  peer.preshared_key = GeneratePrivateKey();
  peer.persistent_keepalive = 25;
  peer.pinned = true;
  peer.enabled = false;
  peer.expires_at = peer.created_at = peer.updated_at = WallTime(std::chrono::seconds(5));
  const Peer copy = peer.Clone();
  EXPECT_EQ(copy.public_key, peer.public_key);
  EXPECT_EQ(std::tie(copy.name, copy.network, copy.gateway, copy.allowed_ips),
            std::tie(peer.name, peer.network, peer.gateway, peer.allowed_ips));
  EXPECT_TRUE(*copy.preshared_key == *peer.preshared_key);
  EXPECT_EQ(std::tie(copy.persistent_keepalive, copy.pinned, copy.enabled, copy.expires_at),
            std::tie(peer.persistent_keepalive, peer.pinned, peer.enabled, peer.expires_at));
  EXPECT_EQ(std::tie(copy.created_at, copy.updated_at), std::tie(peer.created_at, peer.updated_at));
}

}  // namespace
}  // namespace jitwg::registry
