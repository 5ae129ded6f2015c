#include "provisioner/reconcile_queue.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

SteadyTime Never() { return std::chrono::steady_clock::now() + hours(1); }

TEST(ReconcileQueue, KeysAreTakenAtOnceAndTogether) {
  ReconcileQueue queue(hours(1), hours(1));
  queue.Add(Key(1));
  queue.Add(Key(2));
  queue.Add(Key(1));
  queue.WaitForKeys(Never(), {});
  const auto request = queue.TakeKeys();
  EXPECT_EQ(request.keys.size(), 2U);
  EXPECT_FALSE(request.all);
  EXPECT_TRUE(queue.TakeEverything().empty());
}

TEST(ReconcileQueue, EverythingIsSpacedButKeysAreNotHeldUp) {
  ReconcileQueue queue(hours(1), hours(1));
  queue.AddAll();
  EXPECT_TRUE(queue.TakePass({}));
  queue.AddAll();
  queue.Add(Key(1));
  queue.WaitForKeys(Never(), {});
  EXPECT_EQ(queue.TakeKeys().keys.size(), 1U);
  EXPECT_TRUE(queue.TakeEverything().all);
}

TEST(ReconcileQueue, ARequestInsideTheSpacingIsTakenWhenItIsOver) {
  ReconcileQueue queue(milliseconds(50), hours(1));
  queue.AddAll();
  EXPECT_TRUE(queue.TakePass({}));
  bool taken = false;
  std::thread taker([&] { taken = queue.TakePass({}); });
  queue.AddAll();
  taker.join();
  EXPECT_TRUE(taken);
}

TEST(ReconcileQueue, WhatFailedComesAgain) {
  ReconcileQueue queue(milliseconds(0), milliseconds(1));
  queue.Retry({.all = true, .keys = {Key(3)}});
  queue.WaitForKeys(Never(), {});
  EXPECT_TRUE(queue.TakeKeys().keys.contains(Key(3)));
  EXPECT_TRUE(queue.TakePass({}));
  EXPECT_TRUE(queue.TakeEverything().empty());
}

TEST(ReconcileQueue, AFailureHoldsUpNeitherNewKeysNorANewWishForEverything) {
  ReconcileQueue queue(milliseconds(0), hours(1));
  queue.Retry({.all = true, .keys = {Key(3)}});
  queue.Add(Key(4));
  queue.WaitForKeys(Never(), {});
  const auto request = queue.TakeKeys();
  EXPECT_FALSE(request.keys.contains(Key(3)));
  EXPECT_TRUE(request.keys.contains(Key(4)));
  queue.AddAll();
  EXPECT_TRUE(queue.TakePass({}));
}

TEST(ReconcileQueue, APassThatKeepsFailingComesEverMoreRarely) {
  ReconcileQueue queue(milliseconds(0), milliseconds(8));
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) {
    queue.Retry({.all = true, .keys = {}});
    EXPECT_TRUE(queue.TakePass({}));
  }
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(8 + 16 + 32));
  queue.PassSucceeded();
}

TEST(ReconcileQueue, WithNothingToDoTheWaitEndsAtItsTime) {
  ReconcileQueue queue(hours(1), hours(1));
  queue.WaitForKeys(std::chrono::steady_clock::now() + milliseconds(1), {});
  EXPECT_TRUE(queue.TakeKeys().empty());
}

TEST(ReconcileQueue, TooManyKeysBecomeEverything) {
  ReconcileQueue queue(hours(1), hours(1));
  for (std::size_t i = 0; i <= ReconcileQueue::kMaxKeys; ++i) {
    queue.Add(Key(static_cast<std::uint16_t>(i)));
  }
  const auto request = queue.TakeEverything();
  EXPECT_TRUE(request.all);
  EXPECT_LE(request.keys.size(), ReconcileQueue::kMaxKeys);
}

TEST(ReconcileQueue, AStopEndsTheWait) {
  ReconcileQueue queue(hours(1), hours(1));
  std::stop_source source;
  std::thread taker([&] { EXPECT_FALSE(queue.TakePass(source.get_token())); });
  std::thread waiter([&] { queue.WaitForKeys(Never(), source.get_token()); });
  source.request_stop();
  taker.join();
  waiter.join();
}

}  // namespace
}  // namespace jitwg::provisioner
