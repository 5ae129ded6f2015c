// The contract's part about time: callbacks, notices, and several at once.
#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

using std::chrono_literals::operator""s;

TEST_P(RegistryContract, ALookupWhoseTimeIsOverSaysSo) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  const auto found = FindNow(registry(), TestKey(1), 0s);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_P(RegistryContract, ManyLookupsAreEachAnsweredOnce) {
  constexpr unsigned kCount = 500;
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  std::mutex mutex;
  std::condition_variable all;
  unsigned hits = 0;
  unsigned answers = 0;
  for (unsigned i = 0; i < kCount; ++i) {
    registry().Find(TestKey(i % 2), 60s, [&](Result<std::optional<Peer>> found) {
      const std::lock_guard lock(mutex);
      if (found && *found) ++hits;
      if (++answers == kCount) all.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  ASSERT_TRUE(all.wait_for(lock, 60s, [&] { return answers == kCount; }));
  EXPECT_EQ(hits, kCount / 2);
}

TEST_P(RegistryContract, DestroyingAnswersEveryLookupOnce) {
  constexpr unsigned kCount = 200;
  std::atomic<unsigned> answers{0};
  std::atomic<unsigned> odd{0};
  for (unsigned i = 0; i < kCount; ++i) {
    registry().Find(TestKey(i + 1), 60s, [&](Result<std::optional<Peer>> found) {
      if (!found && found.error().code != ErrorCode::kUnavailable) ++odd;
      ++answers;
    });
  }
  store_->Close();
  EXPECT_EQ(answers, kCount);
  EXPECT_EQ(odd, 0U);
}

TEST_P(RegistryContract, ALookupMayBeStartedFromACallback) {
  const auto second = std::make_shared<std::promise<bool>>();
  registry().Find(TestKey(1), 60s, [this, second](Result<std::optional<Peer>>) {
    registry().Find(TestKey(2), 60s, [second](Result<std::optional<Peer>> found) {
      second->set_value(static_cast<bool>(found));
    });
  });
  EXPECT_TRUE(second->get_future().get());
}

TEST_P(RegistryContract, EveryKindOfChangeIsTold) {
  ChangeLog log;
  registry().Subscribe(log.Callback());
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  EXPECT_TRUE(log.AwaitKey(TestKey(1)));
  const std::size_t after_create = log.changes().size();
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.2/32"}), true));
  EXPECT_TRUE(log.Await([&](const auto& changes) { return changes.size() > after_create; }));
  const std::size_t after_replace = log.changes().size();
  ASSERT_TRUE(registry().Remove(TestKey(1)));
  EXPECT_TRUE(log.Await([&](const auto& changes) { return changes.size() > after_replace; }));
  registry().Subscribe({});
}

TEST_P(RegistryContract, ChangesByOthersAreTold) {
  ChangeLog log;
  registry().Subscribe(log.Callback());
  ASSERT_TRUE(other().Put(TestPeer(5, {"10.0.0.5/32"}), false));
  EXPECT_TRUE(log.AwaitKey(TestKey(5)));
  registry().Subscribe({});
}

TEST_P(RegistryContract, WhatWasBeforeTheSubscriptionIsNotTold) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  ChangeLog log;
  registry().Subscribe(log.Callback());
  ASSERT_TRUE(registry().Put(TestPeer(2, {"10.0.0.2/32"}), false));
  ASSERT_TRUE(log.AwaitKey(TestKey(2)));
  EXPECT_EQ(log.changes().size(), 1U);
  registry().Subscribe({});
}

TEST_P(RegistryContract, NothingIsToldAfterTheSubscriptionEnded) {
  ChangeLog first;
  registry().Subscribe(first.Callback());
  registry().Subscribe({});
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  ChangeLog second;
  registry().Subscribe(second.Callback());
  ASSERT_TRUE(registry().Put(TestPeer(2, {"10.0.0.2/32"}), false));
  EXPECT_TRUE(second.AwaitKey(TestKey(2)));
  EXPECT_TRUE(first.changes().empty());
  registry().Subscribe({});
}

TEST_P(RegistryContract, ASubscriberMayEndItsSubscriptionFromTheCallback) {
  const auto told = std::make_shared<std::promise<void>>();
  const auto calls = std::make_shared<std::atomic<int>>(0);
  registry().Subscribe([this, told, calls](const Change&) {
    if (++*calls > 1) return;
    // Another change is there already, which must not be told any more.
    EXPECT_TRUE(other().Put(TestPeer(2, {"10.0.0.2/32"}), false));
    registry().Subscribe({});
    told->set_value();
  });
  for (const unsigned number : {10U, 11U, 12U}) {
    const std::string prefix = "10.0.0." + std::to_string(number) + "/32";
    ASSERT_TRUE(other().Put(TestPeer(number, {prefix}), false));
  }
  told->get_future().wait();
  ChangeLog log;
  registry().Subscribe(log.Callback());
  ASSERT_TRUE(registry().Put(TestPeer(3, {"10.0.0.3/32"}), false));
  ASSERT_TRUE(log.AwaitKey(TestKey(3)));
  registry().Subscribe({});
  EXPECT_EQ(*calls, 1);
}

TEST_P(RegistryContract, ARefusedPutIsNotTold) {
  ASSERT_TRUE(registry().Put(TestPeer(1, {"10.0.0.1/32"}), false));
  ChangeLog log;
  registry().Subscribe(log.Callback());
  ASSERT_FALSE(registry().Put(TestPeer(2, {"10.0.0.1/32"}), false));
  ASSERT_FALSE(registry().Remove(TestKey(7)));
  ASSERT_TRUE(registry().Put(TestPeer(3, {"10.0.0.3/32"}), false));
  ASSERT_TRUE(log.AwaitKey(TestKey(3)));
  EXPECT_EQ(log.changes().size(), 1U);
  registry().Subscribe({});
}

TEST_P(RegistryContract, OfManyWhoWantOneAddressAtOnceOneGetsIt) {
  constexpr unsigned kRounds = 20;
  for (unsigned round = 0; round < kRounds; ++round) {
    const std::string prefix = "10.0." + std::to_string(round) + ".";
    std::atomic<int> won{0};
    std::atomic<int> lost{0};
    const auto put = [&](Registry& into, unsigned number, const std::string& suffix) {
      const auto status = into.Put(TestPeer(number, {prefix + suffix}), false);
      if (status) ++won;
      if (!status && status.error().code == ErrorCode::kAlreadyExists) ++lost;
    };
    std::thread a([&] { put(registry(), 4 * round + 1, "0/24"); });
    std::thread b([&] { put(other(), 4 * round + 2, "0/24"); });
    std::thread c([&] { put(other(), 4 * round + 3, "0/25"); });
    put(registry(), 4 * round + 4, "0/32");
    a.join();
    b.join();
    c.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, 3);
  }
}

TEST_P(RegistryContract, IsHealthyWhenLookupsWork) {
  ASSERT_TRUE(FindNow(registry(), TestKey(1)));
  EXPECT_TRUE(registry().Health());
}

}  // namespace
}  // namespace jitwg::registry
