// What the tests of PeerManager share: a fake kernel with interface wg0, a clock that tests turn,
// short makers.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sniffer/install/peer_manager.h"
#include "tests/sniffer/install/contract_harness.h"
#include "tests/support/fake_device.h"
#include "tests/support/manual_clock.h"

namespace jitwg::testing {

class PeerManagerFixture : public ::testing::Test {
 protected:
  PeerManagerFixture() : key_(GeneratePrivateKey()) { kernel_.AddInterface("wg0", key_); }

  sniffer::PeerManagerOptions Options(std::size_t max_peers = 1000) const {
    return {"wg0", {Prefixes({"10.8.0.0/16", "fd08::/64"}), max_peers}, journal_path_, 16};
  }

  void Start(std::size_t max_peers = 1000) {
    manager_.reset();
    auto created = sniffer::PeerManager::Create(kernel_, clock_, Options(max_peers));
    ASSERT_TRUE(created) << created.error().message;
    manager_ = std::move(*created);
  }

  static sniffer::InstallRequest Request(unsigned n, const std::vector<std::string>& allowed_ips) {
    sniffer::InstallRequest request;
    request.public_key = TestKey(n);
    request.allowed_ips = Prefixes(allowed_ips);
    return request;
  }
  sniffer::PeerResult Install(sniffer::InstallRequest request) {
    const auto result = manager_->Install(std::span(&request, 1));
    EXPECT_EQ(result.results.size(), 1u);
    EXPECT_EQ(result.results.front().public_key, request.public_key);
    return result.results.front();
  }
  sniffer::PeerOutcome Outcome(unsigned n, const std::vector<std::string>& allowed_ips) {
    return Install(Request(n, allowed_ips)).outcome;
  }
  sniffer::PeerOutcome Remove(unsigned n) {
    const PublicKey key = TestKey(n);
    return manager_->Remove(std::span(&key, 1)).results.front().outcome;
  }
  // Nullptr when the list lacks it.
  const sniffer::ListedPeer* Find(const sniffer::PeerList& list, unsigned n) const {
    for (const auto& listed : list.peers) {
      if (listed.peer.public_key == TestKey(n)) return &listed;
    }
    return nullptr;
  }
  void AddForeign(unsigned n, const std::vector<std::string>& allowed_ips) {
    sniffer::KernelPeer peer;
    peer.public_key = TestKey(n);
    peer.allowed_ips = Prefixes(allowed_ips);
    kernel_.AddForeignPeer("wg0", peer);
  }

  PrivateKey key_;
  FakeKernel kernel_;
  ManualClock clock_;
  std::string journal_path_;
  std::unique_ptr<sniffer::PeerManager> manager_;
};

}  // namespace jitwg::testing
