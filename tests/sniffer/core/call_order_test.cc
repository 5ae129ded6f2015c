// Which calls are still waited for, and how many callers are remembered.
#include "sniffer/call_order.h"

#include <gtest/gtest.h>

namespace jitwg::sniffer {
namespace {

TEST(CallOrderTest, WithoutACallerEverythingIsOpen) {
  CallOrder order;
  order.Note({0, 9, 9});
  EXPECT_TRUE(order.IsOpen({0, 1, 1}));
}

TEST(CallOrderTest, WhatItsCallerWaitsForNoMoreIsClosed) {
  CallOrder order;
  EXPECT_TRUE(order.IsOpen({1, 1, 1}));
  order.Note({1, 5, 3});
  EXPECT_FALSE(order.IsOpen({1, 2, 1}));
  EXPECT_TRUE(order.IsOpen({1, 3, 1}));
  EXPECT_TRUE(order.IsOpen({2, 2, 1}));
  order.Note({1, 4, 1});  // an older call that came late opens nothing again
  EXPECT_FALSE(order.IsOpen({1, 2, 1}));
}

TEST(CallOrderTest, RemembersTheCallersHeardLast) {
  CallOrder order;
  for (std::uint64_t caller = 1; caller <= CallOrder::kMaxCallers; ++caller) {
    order.Note({caller, 2, 2});
  }
  order.Note({1, 2, 2});
  order.Note({100, 2, 2});
  EXPECT_FALSE(order.IsOpen({1, 1, 1}));
  EXPECT_TRUE(order.IsOpen({2, 1, 1}));  // forgotten
  EXPECT_FALSE(order.IsOpen({100, 1, 1}));
}

}  // namespace
}  // namespace jitwg::sniffer
