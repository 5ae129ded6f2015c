// A gateway in memory for the tests of the sniffer's core: a fake kernel with interfaces, their
// peer managers and the table over them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sniffer/event.h"
#include "sniffer/interface_table.h"
#include "tests/support/fake_device.h"
#include "tests/support/initiator.h"
#include "tests/support/manual_clock.h"

namespace jitwg::sniffer {

class Gateway {
 public:
  // Adds and serves an interface whose peers may have 10.8.0.0/16 and fd08::/64.
  void Serve(const std::string& name, std::uint64_t key_seed, std::uint16_t port = 51820) {
    kernel.AddInterface(name, test::KeyFromSeed(key_seed), port);
    GuardPolicy policy;
    policy.allowed_prefixes = {IpPrefix::Parse("10.8.0.0/16").value(),
                               IpPrefix::Parse("fd08::/64").value()};
    policy.max_peers = 1000;
    auto manager = PeerManager::Create(kernel, clock, {name, policy, "", 16});
    ASSERT_TRUE(manager) << manager.error().message;
    managers[name] = std::move(*manager);
    const Status added = interfaces.Add(name, kernel, *managers[name]);
    ASSERT_TRUE(added) << added.error().message;
  }

  static PublicKey KeyOf(std::uint64_t seed) { return DerivePublicKey(test::KeyFromSeed(seed)); }

  static InstallRequest RequestFor(const PublicKey& key, const std::string& address) {
    InstallRequest request;
    request.public_key = key;
    request.allowed_ips = {IpPrefix::Parse(address).value()};
    return request;
  }

  ManualClock clock;
  testing::FakeKernel kernel;
  std::map<std::string, std::unique_ptr<PeerManager>> managers;
  InterfaceTable interfaces;
};

// Keeps the events and lets a test wait for them.
class EventLog final : public EventSink {
 public:
  void OnEvents(std::span<const HandshakeEvent> events) override {
    const std::lock_guard lock(mutex_);
    events_.insert(events_.end(), events.begin(), events.end());
    changed_.notify_all();
  }
  std::vector<HandshakeEvent> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HandshakeEvent> events_;
};

}  // namespace jitwg::sniffer
