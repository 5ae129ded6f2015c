// What every registry must do, as one suite. A store joins by INSTANTIATE_TEST_SUITE_P with a way
// to make it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "lib/registry/registry.h"
#include "tests/support/manual_clock.h"

namespace jitwg::registry {

// One store with its data, and two ways into it.
class RegistryUnderTest {
 public:
  virtual ~RegistryUnderTest() = default;
  virtual Registry& registry() = 0;
  // Another process's view of the same data, as near as the store comes to it.
  virtual Registry& other() = 0;
  // Destroys what registry() returned.
  virtual void Close() = 0;
};

struct RegistryKind {
  std::string name;
  std::function<std::unique_ptr<RegistryUnderTest>(const Clock&)> make;
};

inline void PrintTo(const RegistryKind& kind, std::ostream* out) { *out << kind.name; }

inline PublicKey TestKey(unsigned number) {
  PublicKey key;
  key.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  key.bytes[1] = static_cast<std::uint8_t>(number);
  key.bytes[31] = 1;
  return key;
}

inline Peer TestPeer(unsigned number, const std::vector<std::string>& prefixes) {
  Peer peer;
  peer.public_key = TestKey(number);
  for (const std::string& prefix : prefixes) peer.allowed_ips.push_back(*IpPrefix::Parse(prefix));
  return peer;
}

// Waits for the answer; a test that never gets one fails after half a minute.
inline Result<std::optional<Peer>> FindNow(
    Registry& registry, const PublicKey& key,
    std::chrono::milliseconds deadline = std::chrono::seconds(60)) {
  // Shared: the registry's thread may still be inside set_value when the answer is read.
  const auto promise = std::make_shared<std::promise<Result<std::optional<Peer>>>>();
  auto future = promise->get_future();
  registry.Find(key, deadline, [promise](Result<std::optional<Peer>> found) {
    promise->set_value(std::move(found));
  });
  return future.get();
}

// Collects change notices.
class ChangeLog {
 public:
  Registry::ChangeCallback Callback() {
    return [this](const Change& change) {
      const std::lock_guard lock(mutex_);
      changes_.push_back(change);
      arrived_.notify_all();
    };
  }
  bool Await(const std::function<bool(const std::vector<Change>&)>& wanted) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::seconds(30), [&] { return wanted(changes_); });
  }
  bool AwaitKey(const PublicKey& key) {
    return Await([&](const std::vector<Change>& changes) {
      return std::any_of(changes.begin(), changes.end(),
                         [&](const Change& c) { return c.public_key == key; });
    });
  }
  std::vector<Change> changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Change> changes_;
};

class RegistryContract : public testing::TestWithParam<RegistryKind> {
 protected:
  Registry& registry() { return store_->registry(); }
  Registry& other() { return store_->other(); }
  std::vector<std::string> ListedKeys(const ListQuery& query) {
    std::vector<std::string> keys;
    const auto listed = registry().List(query);
    EXPECT_TRUE(listed) << (listed ? "" : listed.error().message);
    if (!listed) return keys;
    for (const Peer& peer : *listed) keys.push_back(peer.public_key.ToBase64());
    return keys;
  }

  ManualClock clock_;
  std::unique_ptr<RegistryUnderTest> store_ = GetParam().make(clock_);
};

}  // namespace jitwg::registry
