#include "lib/base/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace jitwg {
namespace {

using std::chrono::milliseconds;

// Long enough that only a bug makes a test wait for it.
constexpr milliseconds kForever{60'000};

TEST(BoundedQueueTest, FirstInFirstOut) {
  BoundedQueue<int> queue(3);
  queue.Push(1);
  queue.Push(2);
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.TryPop(), 1);
  EXPECT_EQ(queue.Pop(kForever), 2);
  EXPECT_EQ(queue.TryPop(), std::nullopt);
}

TEST(BoundedQueueTest, FullQueueDropsItsOldestAndCounts) {
  BoundedQueue<int> queue(2);
  for (int i = 1; i <= 5; ++i) queue.Push(i);
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.TakeDropped(), 3U);
  EXPECT_EQ(queue.TakeDropped(), 0U);
  EXPECT_EQ(queue.TryPop(), 4);
  EXPECT_EQ(queue.TryPop(), 5);
}

TEST(BoundedQueueTest, EmptyPopEndsAtItsTimeout) {
  BoundedQueue<int> queue(1);
  EXPECT_EQ(queue.Pop(milliseconds(1)), std::nullopt);
  EXPECT_FALSE(queue.closed());
}

TEST(BoundedQueueTest, ClosedQueueGivesWhatItHoldsAndTakesNoMore) {
  BoundedQueue<int> queue(2);
  queue.Push(1);
  queue.Close();
  queue.Push(2);
  EXPECT_TRUE(queue.closed());
  EXPECT_EQ(queue.Pop(kForever), 1);
  EXPECT_EQ(queue.Pop(kForever), std::nullopt);
  EXPECT_EQ(queue.TakeDropped(), 0U);
}

TEST(BoundedQueueTest, CloseWakesEveryWaitingConsumer) {
  BoundedQueue<int> queue(1);
  std::vector<std::jthread> consumers;
  consumers.reserve(3);
  std::atomic<int> ended = 0;
  for (int i = 0; i < 3; ++i) {
    consumers.emplace_back([&] {
      EXPECT_EQ(queue.Pop(kForever), std::nullopt);
      ++ended;
    });
  }
  queue.Close();
  consumers.clear();
  EXPECT_EQ(ended, 3);
}

TEST(BoundedQueueTest, HoldsWhatCanOnlyBeMoved) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  queue.Push(std::make_unique<int>(7));
  const auto item = queue.TryPop();
  ASSERT_TRUE(item.has_value());
  EXPECT_EQ(**item, 7);
}

TEST(BoundedQueueTest, NothingIsLostUncountedBetweenThreads) {
  constexpr int kPerProducer = 5000;
  BoundedQueue<int> queue(64);
  std::atomic<std::uint64_t> popped = 0;
  std::jthread consumer([&] {
    while (queue.Pop(kForever)) ++popped;
  });
  {
    std::vector<std::jthread> producers;
    producers.reserve(4);
    for (int producer = 0; producer < 4; ++producer) {
      producers.emplace_back([&] {
        for (int i = 0; i < kPerProducer; ++i) queue.Push(i);
      });
    }
  }
  queue.Close();
  consumer.join();
  EXPECT_EQ(popped + queue.TakeDropped(), 4U * kPerProducer);
}

}  // namespace
}  // namespace jitwg
