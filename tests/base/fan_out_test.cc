#include "lib/base/fan_out.h"

#include <gtest/gtest.h>

#include <vector>

namespace jitwg {
namespace {

std::vector<int> Drain(FanOut<int>::Watcher& watcher) {
  std::vector<int> items;
  while (const auto delivery = watcher.Next()) items.push_back(*delivery->item);
  return items;
}

TEST(FanOut, EveryWatcherGetsEveryItemInOrder) {
  FanOut<int> hub;
  int wakes = 0;
  const auto first = hub.Add(nullptr, [&] { ++wakes; }).value();
  const auto second = hub.Add(nullptr, [&] { ++wakes; }).value();
  for (int i = 0; i < 3; ++i) hub.Publish(i);
  EXPECT_EQ(Drain(*first), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(Drain(*second), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(wakes, 6);
}

TEST(FanOut, ASlowWatcherLosesItsOldestAndIsToldHowMany) {
  FanOut<int> hub({2, 4});
  const auto slow = hub.Add(nullptr, [] {}).value();
  for (int i = 0; i < 5; ++i) hub.Publish(i);
  const auto delivery = slow->Next();
  ASSERT_TRUE(delivery);
  EXPECT_EQ(*delivery->item, 3);
  EXPECT_EQ(delivery->dropped_before, 3U);
  EXPECT_EQ(slow->Next()->dropped_before, 0U);
  EXPECT_EQ(hub.dropped(), 3U);
}

TEST(FanOut, ASlowWatcherCostsTheOthersNothing) {
  FanOut<int> hub({2, 4});
  const auto slow = hub.Add(nullptr, [] {}).value();
  const auto fast = hub.Add(nullptr, [] {}).value();
  for (int i = 0; i < 5; ++i) {
    hub.Publish(i);
    EXPECT_EQ(Drain(*fast), std::vector<int>{i});
  }
}

TEST(FanOut, AFilterKeepsTheRestAway) {
  FanOut<int> hub;
  const auto even = hub.Add([](int item) { return item % 2 == 0; }, [] {}).value();
  for (int i = 0; i < 5; ++i) hub.Publish(i);
  EXPECT_EQ(Drain(*even), (std::vector<int>{0, 2, 4}));
}

TEST(FanOut, PlacesAreLimitedAndComeBack) {
  FanOut<int> hub({2, 1});
  const auto first = hub.Add(nullptr, [] {}).value();
  const auto refused = hub.Add(nullptr, [] {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  hub.Remove(first);
  EXPECT_TRUE(hub.Add(nullptr, [] {}));
}

TEST(FanOut, ABeatReachesOnlyTheIdleAndDisplacesNothing) {
  FanOut<int> hub({1, 4});
  const auto busy = hub.Add(nullptr, [] {}).value();
  hub.Publish(1);
  const auto idle = hub.Add(nullptr, [] {}).value();
  hub.Beat(99);
  EXPECT_EQ(Drain(*busy), std::vector<int>{1});
  EXPECT_EQ(Drain(*idle), std::vector<int>{99});
  EXPECT_EQ(hub.dropped(), 0U);
}

TEST(FanOut, SeveralPublishedTogetherWakeOnce) {
  FanOut<int> hub;
  int wakes = 0;
  int even_wakes = 0;
  const auto all = hub.Add(nullptr, [&] { ++wakes; }).value();
  const auto even = hub.Add([](int item) { return item % 2 == 0; }, [&] { ++even_wakes; }).value();
  hub.Publish(std::vector<int>{1, 2, 3, 4});
  hub.Publish(std::vector<int>{5});
  EXPECT_EQ(Drain(*all), (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(Drain(*even), (std::vector<int>{2, 4}));
  EXPECT_EQ(wakes, 2);
  EXPECT_EQ(even_wakes, 1);
}

TEST(FanOut, WhatIsNotTakenGoesOnWaiting) {
  FanOut<int> hub;
  const auto watcher = hub.Add(nullptr, [] {}).value();
  const auto odd = [](int item) { return item % 2 != 0; };
  EXPECT_FALSE(watcher->TakeIf(odd));
  hub.Publish(std::vector<int>{1, 2});
  EXPECT_TRUE(watcher->TakeIf(odd));
  EXPECT_FALSE(watcher->TakeIf(odd));
  EXPECT_EQ(Drain(*watcher), std::vector<int>{2});
}

TEST(FanOut, NothingIsTakenUntilALossIsTold) {
  FanOut<int> hub({2, 4});
  const auto watcher = hub.Add(nullptr, [] {}).value();
  const auto any = [](int) { return true; };
  hub.Publish(std::vector<int>{1, 2, 3});
  EXPECT_FALSE(watcher->TakeIf(any));
  EXPECT_EQ(watcher->Next()->dropped_before, 1U);
  EXPECT_TRUE(watcher->TakeIf(any));
}

}  // namespace
}  // namespace jitwg
