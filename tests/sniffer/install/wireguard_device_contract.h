// The contract of WireGuardDevice as a suite: each implementation's test program includes this once
// and instantiates it with a harness that makes a fresh interface for every case.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sniffer/install/limits.h"
#include "sniffer/install/wireguard_device.h"
#include "tests/sniffer/install/contract_harness.h"

namespace jitwg::testing {

using sniffer::KernelPeer;
using sniffer::PeerChange;

class WireGuardDeviceContract : public ::testing::TestWithParam<HarnessMaker> {
 protected:
  void SetUp() override {
    harness_ = GetParam()();
    ASSERT_NE(harness_, nullptr) << "the harness could not be set up";
  }

  sniffer::WireGuardDevice& device() { return harness_->device(); }
  std::string name() { return harness_->name(); }

  std::map<PublicKey, KernelPeer> Peers() {
    std::map<PublicKey, KernelPeer> peers;
    auto dump = device().DumpPeers(name());
    EXPECT_TRUE(dump) << dump.error().message;
    if (!dump) return peers;
    EXPECT_FALSE(dump->interrupted);
    for (KernelPeer& peer : dump->peers) {
      std::sort(peer.allowed_ips.begin(), peer.allowed_ips.end());
      EXPECT_TRUE(peers.emplace(peer.public_key, peer).second) << "a peer is listed twice";
    }
    return peers;
  }

  void ApplyAll(std::vector<PeerChange> changes) {
    const auto results = device().Apply({name(), 0}, changes);
    ASSERT_TRUE(results) << results.error().message;
    ASSERT_EQ(results->size(), changes.size());
    for (const Status& status : *results) EXPECT_TRUE(status) << status.error().message;
  }

  void ApplyOne(PeerChange change) {
    std::vector<PeerChange> changes;
    changes.push_back(std::move(change));
    ApplyAll(std::move(changes));
  }

  std::unique_ptr<ContractHarness> harness_;
};

TEST_P(WireGuardDeviceContract, TellsKeyPortAndIndex) {
  const auto info = device().GetDevice(name());
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->name, name());
  EXPECT_NE(info->ifindex, 0u);
  EXPECT_TRUE(info->private_key == harness_->private_key());
  EXPECT_EQ(info->public_key, DerivePublicKey(harness_->private_key()));
  EXPECT_EQ(info->listen_port, harness_->listen_port());
}

TEST_P(WireGuardDeviceContract, TakesKeyAndPortAndKeepsThePeers) {
  ApplyOne(Creation(1, {"10.8.0.2/32"}));
  sniffer::DeviceSettings settings{GeneratePrivateKey(), harness_->listen_port()};
  ++settings.listen_port;
  const Status done = device().Configure(name(), settings);
  ASSERT_TRUE(done) << done.error().message;
  const auto info = device().GetDevice(name());
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_TRUE(info->private_key == settings.private_key);
  EXPECT_EQ(info->public_key, DerivePublicKey(settings.private_key));
  EXPECT_EQ(info->listen_port, settings.listen_port);
  EXPECT_EQ(Peers().size(), 1u);
}

TEST_P(WireGuardDeviceContract, ConfiguresOnlyWhatIsWireGuard) {
  const sniffer::DeviceSettings settings{GeneratePrivateKey(), harness_->listen_port()};
  const Status absent = device().Configure("jw-none", settings);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
  const Status other = device().Configure(harness_->other_interface(), settings);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
}

TEST_P(WireGuardDeviceContract, TellsAnInterfaceThatIsNotThere) {
  const auto info = device().GetDevice("jw-none");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(info.error().message, ::testing::HasSubstr("jw-none"));
  const auto dump = device().DumpPeers("jw-none");
  ASSERT_FALSE(dump);
  EXPECT_EQ(dump.error().code, ErrorCode::kNotFound);
  const std::vector<PeerChange> changes(1);
  const auto results = device().Apply({"jw-none", 0}, changes);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::kNotFound);
}

TEST_P(WireGuardDeviceContract, ChangesOnlyTheInterfaceOfTheGivenIndex) {
  const auto info = device().GetDevice(name());
  ASSERT_TRUE(info) << info.error().message;
  std::vector<PeerChange> changes;
  changes.push_back(Creation(1, {"10.8.0.2/32"}));
  const auto other = device().Apply({name(), info->ifindex + 1000}, changes);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(other.error().message, ::testing::HasSubstr(name()));
  EXPECT_TRUE(Peers().empty());
  const auto same = device().Apply({name(), info->ifindex}, changes);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_TRUE(same->front());
  EXPECT_EQ(Peers().size(), 1u);
}

TEST_P(WireGuardDeviceContract, TellsAnInterfaceOfAnotherType) {
  const auto info = device().GetDevice(harness_->other_interface());
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, ErrorCode::kInvalidArgument);
  const auto dump = device().DumpPeers(harness_->other_interface());
  ASSERT_FALSE(dump);
  EXPECT_EQ(dump.error().code, ErrorCode::kInvalidArgument);
}

TEST_P(WireGuardDeviceContract, RefusesWhatIsNoInterfaceName) {
  for (const char* bad : {"", "..", "a/b", "sixteencharacter", "a b"}) {
    const auto info = device().GetDevice(bad);
    ASSERT_FALSE(info) << bad;
    EXPECT_EQ(info.error().code, ErrorCode::kInvalidArgument) << bad;
  }
}

TEST_P(WireGuardDeviceContract, StartsWithoutPeers) {
  EXPECT_TRUE(Peers().empty());
  ApplyAll({});
}

TEST_P(WireGuardDeviceContract, CreatesAPeerWithAllItsSettings) {
  PeerChange change = Creation(1, {"10.8.0.2/32", "10.9.0.0/24", "fd08::2/128"});
  change.preshared_key = PresharedKey::CopyOf(TestKey(99).bytes);
  change.persistent_keepalive = 25;
  ApplyOne(std::move(change));
  const auto peers = Peers();
  ASSERT_EQ(peers.size(), 1u);
  const KernelPeer& peer = peers.at(TestKey(1));
  EXPECT_EQ(peer.allowed_ips, Prefixes({"10.8.0.2/32", "10.9.0.0/24", "fd08::2/128"}));
  EXPECT_TRUE(peer.has_preshared_key);
  EXPECT_EQ(harness_->PresharedKeyOf(TestKey(1)), TestKey(99).ToBase64());
  EXPECT_EQ(peer.persistent_keepalive, 25);
  EXPECT_FALSE(peer.endpoint);
  EXPECT_FALSE(peer.last_handshake);
  EXPECT_EQ(peer.rx_bytes, 0u);
}

TEST_P(WireGuardDeviceContract, KeepsEndpointsOfBothFamilies) {
  const std::vector<Endpoint> endpoints = {
      {*IpAddress::Parse("192.0.2.7"), 40001, 0},
      {*IpAddress::Parse("2001:db8::7"), 65535, 0},
  };
  for (const Endpoint& endpoint : endpoints) {
    PeerChange change = Creation(1, {"10.8.0.2/32"});
    change.endpoint = endpoint;
    ApplyOne(std::move(change));
    EXPECT_EQ(Peers().at(TestKey(1)).endpoint, endpoint);
  }
}

TEST_P(WireGuardDeviceContract, UpdateReplacesSettingsAndLeavesTheEndpoint) {
  PeerChange creation = Creation(1, {"10.8.0.2/32", "10.8.0.3/32"});
  creation.preshared_key = PresharedKey::CopyOf(TestKey(99).bytes);
  creation.endpoint = Endpoint{*IpAddress::Parse("192.0.2.7"), 40001, 0};
  ApplyOne(std::move(creation));
  PeerChange update = Creation(1, {"10.8.0.9/32"});
  update.kind = PeerChange::Kind::kUpdate;
  ApplyOne(std::move(update));
  const KernelPeer peer = Peers().at(TestKey(1));
  EXPECT_EQ(peer.allowed_ips, Prefixes({"10.8.0.9/32"}));
  EXPECT_FALSE(peer.has_preshared_key);
  EXPECT_EQ(harness_->PresharedKeyOf(TestKey(1)), "");
  EXPECT_EQ(peer.endpoint, (Endpoint{*IpAddress::Parse("192.0.2.7"), 40001, 0}));
}

TEST_P(WireGuardDeviceContract, UpdateOfAMissingPeerCreatesNothing) {
  PeerChange update = Creation(1, {"10.8.0.2/32"});
  update.kind = PeerChange::Kind::kUpdate;
  ApplyOne(std::move(update));
  EXPECT_TRUE(Peers().empty());
}

TEST_P(WireGuardDeviceContract, CreationOfAPresentPeerReplacesItsSettings) {
  ApplyOne(Creation(1, {"10.8.0.2/32", "10.8.0.3/32"}));
  ApplyOne(Creation(1, {"10.8.0.4/32"}));
  EXPECT_EQ(Peers().at(TestKey(1)).allowed_ips, Prefixes({"10.8.0.4/32"}));
}

TEST_P(WireGuardDeviceContract, RemovesAPeerAndAnAbsentOneToo) {
  ApplyOne(Creation(1, {"10.8.0.2/32"}));
  ApplyOne(Creation(2, {"10.8.0.3/32"}));
  ApplyOne(Removal(1));
  ApplyOne(Removal(1));
  const auto peers = Peers();
  EXPECT_EQ(peers.size(), 1u);
  EXPECT_EQ(peers.count(TestKey(2)), 1u);
}

TEST_P(WireGuardDeviceContract, KeepsTheOrderOfChangesInOneCall) {
  std::vector<PeerChange> changes;
  changes.push_back(Creation(1, {"10.8.0.2/32"}));
  changes.push_back(Removal(1));
  changes.push_back(Creation(2, {"10.8.0.3/32"}));
  changes.push_back(Removal(3));
  changes.push_back(Creation(3, {"10.8.0.4/32"}));
  ApplyAll(std::move(changes));
  const auto peers = Peers();
  EXPECT_EQ(peers.size(), 2u);
  EXPECT_EQ(peers.count(TestKey(1)), 0u);
}

TEST_P(WireGuardDeviceContract, CarriesAFullCallOfLargePeers) {
  std::vector<PeerChange> changes;
  for (unsigned i = 0; i < sniffer::kMaxChangesPerApply; ++i) {
    changes.push_back(Creation(i, {}));
    for (unsigned j = 0; j < 20; ++j) changes.back().allowed_ips.push_back(HostPrefix(i * 20 + j));
  }
  ApplyAll(std::move(changes));
  const auto peers = Peers();
  ASSERT_EQ(peers.size(), sniffer::kMaxChangesPerApply);
  for (unsigned i = 0; i < sniffer::kMaxChangesPerApply; ++i) {
    EXPECT_EQ(peers.at(TestKey(i)).allowed_ips.size(), 20u);
  }
}

TEST_P(WireGuardDeviceContract, RefusesTooManyChangesInOneCall) {
  std::vector<PeerChange> changes;
  for (unsigned i = 0; i <= sniffer::kMaxChangesPerApply; ++i) changes.push_back(Removal(i));
  const auto results = device().Apply({name(), 0}, changes);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::kInvalidArgument);
}

TEST_P(WireGuardDeviceContract, HoldsAPeerOfManyAddresses) {
  PeerChange change = Creation(1, {});
  for (unsigned i = 0; i < sniffer::kMaxAllowedIpsPerChange; ++i) {
    change.allowed_ips.push_back(HostPrefix(i));
  }
  auto expected = change.allowed_ips;
  std::sort(expected.begin(), expected.end());
  ApplyOne(std::move(change));
  EXPECT_EQ(Peers().at(TestKey(1)).allowed_ips, expected);
}

TEST_P(WireGuardDeviceContract, RefusesOnlyTheFaultyChange) {
  std::vector<PeerChange> changes;
  changes.push_back(Creation(1, {"10.8.0.2/32"}));
  changes.push_back(Creation(2, {}));
  for (unsigned i = 0; i <= sniffer::kMaxAllowedIpsPerChange; ++i) {
    changes.back().allowed_ips.push_back(HostPrefix(i));
  }
  changes.push_back(Creation(3, {"10.8.0.4/32"}));
  changes.back().kick = true;  // without an endpoint
  changes.push_back(Creation(4, {"10.8.0.5/32"}));
  const auto results = device().Apply({name(), 0}, changes);
  ASSERT_TRUE(results);
  ASSERT_EQ(results->size(), 4u);
  EXPECT_TRUE((*results)[0]);
  ASSERT_FALSE((*results)[1]);
  EXPECT_EQ((*results)[1].error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE((*results)[2]);
  EXPECT_TRUE((*results)[3]);
  const auto peers = Peers();
  EXPECT_EQ(peers.size(), 2u);
  EXPECT_EQ(peers.count(TestKey(2)), 0u);
}

TEST_P(WireGuardDeviceContract, KickMakesItInitiateAndLeavesTheKeepaliveAsAsked) {
  for (const std::uint16_t keepalive : {std::uint16_t{0}, std::uint16_t{25}}) {
    PeerChange change =
        Creation(keepalive + 1u, {"10.8.0." + std::to_string(keepalive + 2) + "/32"});
    change.endpoint = harness_->sink();
    change.kick = true;
    change.persistent_keepalive = keepalive;
    const PublicKey key = change.public_key;
    ApplyOne(std::move(change));
    EXPECT_TRUE(harness_->SawInitiation(key)) << "keepalive " << keepalive;
    EXPECT_EQ(Peers().at(key).persistent_keepalive, keepalive);
    ApplyOne([&key] {
      PeerChange removal;
      removal.kind = PeerChange::Kind::kRemove;
      removal.public_key = key;
      return removal;
    }());
  }
}

TEST_P(WireGuardDeviceContract, IgnoresTheInterfacesOwnKeySilently) {
  PeerChange change = Creation(1, {"10.8.0.2/32"});
  change.public_key = DerivePublicKey(harness_->private_key());
  ApplyOne(std::move(change));
  EXPECT_TRUE(Peers().empty());
}

TEST_P(WireGuardDeviceContract, GivesAnAddressToTheLastWhoAsksSilently) {
  ApplyOne(Creation(1, {"10.8.0.2/32", "10.8.0.3/32"}));
  ApplyOne(Creation(2, {"10.8.0.2/32"}));
  const auto peers = Peers();
  EXPECT_EQ(peers.at(TestKey(1)).allowed_ips, Prefixes({"10.8.0.3/32"}));
  EXPECT_EQ(peers.at(TestKey(2)).allowed_ips, Prefixes({"10.8.0.2/32"}));
}

}  // namespace jitwg::testing
