#include "provisioner/reconcile_queue.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(ReconcileQueue, KeysAreTakenAtOnceAndTogether) {
  ReconcileQueue queue(hours(1), hours(1));
  queue.Add(Key(1));
  queue.Add(Key(2));
  queue.Add(Key(1));
  const auto request = queue.Take({});
  EXPECT_EQ(request.keys.size(), 2U);
  EXPECT_FALSE(request.all);
  EXPECT_TRUE(queue.TakeEverything().empty());
}

TEST(ReconcileQueue, EverythingIsSpacedButKeysAreNotHeldUp) {
  ReconcileQueue queue(hours(1), hours(1));
  queue.AddAll();
  EXPECT_TRUE(queue.Take({}).all);
  queue.AddAll();
  queue.Add(Key(1));
  const auto request = queue.Take({});
  EXPECT_FALSE(request.all);
  EXPECT_EQ(request.keys.size(), 1U);
  EXPECT_TRUE(queue.TakeEverything().all);
}

TEST(ReconcileQueue, ARequestInsideTheSpacingIsTakenWhenItIsOver) {
  ReconcileQueue queue(milliseconds(50), hours(1));
  queue.AddAll();
  EXPECT_TRUE(queue.Take({}).all);
  ReconcileRequest taken;
  std::thread taker([&] { taken = queue.Take({}); });
  queue.AddAll();
  taker.join();
  EXPECT_TRUE(taken.all);
}

TEST(ReconcileQueue, WhatFailedComesAgain) {
  ReconcileQueue queue(milliseconds(0), milliseconds(1));
  queue.Retry({.all = true, .keys = {Key(3)}});
  const auto request = queue.Take({});
  EXPECT_TRUE(request.all);
  EXPECT_TRUE(request.keys.contains(Key(3)));
}

TEST(ReconcileQueue, AFailureDoesNotHoldUpNewKeys) {
  ReconcileQueue queue(hours(1), hours(1));
  queue.Retry({.all = true, .keys = {Key(3)}});
  queue.Add(Key(4));
  const auto request = queue.Take({});
  EXPECT_FALSE(request.all);
  EXPECT_FALSE(request.keys.contains(Key(3)));
  EXPECT_TRUE(request.keys.contains(Key(4)));
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
  std::thread taker([&] { EXPECT_TRUE(queue.Take(source.get_token()).empty()); });
  source.request_stop();
  taker.join();
}

}  // namespace
}  // namespace jitwg::provisioner
