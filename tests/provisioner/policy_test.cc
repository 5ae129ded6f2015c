#include "provisioner/policy.h"

#include <gtest/gtest.h>

#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

const WallTime kWallNow{std::chrono::hours(480000)};
const GatewayIdentity kIdentity{"gw1", "default"};

InterfaceState Interface() {
  InterfaceState state;
  state.interface = "wg0";
  state.allowed_prefixes = {*IpPrefix::Parse("10.0.0.0/16"), *IpPrefix::Parse("fd00::/64")};
  return state;
}

std::optional<Refusal> Check(const registry::Peer& peer) {
  const InterfaceState interface = Interface();
  return CheckPolicy(peer, &interface, kIdentity, kWallNow);
}

TEST(Policy, AllowsAnEnabledPeerOfThisNetwork) { EXPECT_EQ(Check(MakePeer(1)), std::nullopt); }

TEST(Policy, RefusesADisabledPeer) {
  auto peer = MakePeer(1);
  peer.enabled = false;
  EXPECT_EQ(Check(peer), Refusal::kDisabled);
}

TEST(Policy, ExpiryIsTheFirstInstantOfRefusal) {
  auto peer = MakePeer(1);
  peer.expires_at = kWallNow + std::chrono::nanoseconds(1);
  EXPECT_EQ(Check(peer), std::nullopt);
  peer.expires_at = kWallNow;
  EXPECT_EQ(Check(peer), Refusal::kExpired);
}

TEST(Policy, RefusesAnotherNetworkUnlessAllAreServed) {
  auto peer = MakePeer(1);
  peer.network = "other";
  EXPECT_EQ(Check(peer), Refusal::kOtherNetwork);
  EXPECT_EQ(CheckPolicy(peer, nullptr, {"gw1", ""}, kWallNow), std::nullopt);
}

TEST(Policy, RefusesAPeerBoundToAnotherGateway) {
  auto peer = MakePeer(1);
  peer.gateway = "gw2";
  EXPECT_EQ(Check(peer), Refusal::kOtherGateway);
  peer.gateway = "gw1";
  EXPECT_EQ(Check(peer), std::nullopt);
}

TEST(Policy, EveryAddressMustLieInsideAnAllowedPrefix) {
  auto peer = MakePeer(1);
  peer.allowed_ips.push_back(*IpPrefix::Parse("fd00::5/128"));
  EXPECT_EQ(Check(peer), std::nullopt);
  peer.allowed_ips.push_back(*IpPrefix::Parse("10.1.0.0/32"));
  EXPECT_EQ(Check(peer), Refusal::kPrefixNotAllowed);
  peer.allowed_ips = {*IpPrefix::Parse("10.0.0.0/15")};
  EXPECT_EQ(Check(peer), Refusal::kPrefixNotAllowed);
}

TEST(Policy, AnInterfaceWithoutPrefixesRoutesNothing) {
  const InterfaceState bare;
  EXPECT_EQ(CheckPolicy(MakePeer(1), &bare, kIdentity, kWallNow), Refusal::kPrefixNotAllowed);
}

TEST(Policy, AnUnknownInterfaceIsLeftToTheGuard) {
  EXPECT_EQ(CheckPolicy(MakePeer(1), nullptr, kIdentity, kWallNow), std::nullopt);
}

}  // namespace
}  // namespace jitwg::provisioner
