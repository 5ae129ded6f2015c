// Link notices from the real kernel, in a network namespace of the test's own. Needs root.
#include "sniffer/install/link_monitor.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

#include "lib/base/bounded_queue.h"
#include "tests/sniffer/install/netns_harness.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::RunProgram;

TEST(LinkMonitor, TellsOfAnInterfaceThatComesAndGoes) {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "run as root";
  auto monitor = LinkMonitor::Open();
  ASSERT_TRUE(monitor) << monitor.error().message;
  // Both happen before Run: nothing is lost in between.
  ASSERT_TRUE(RunProgram({"ip", "tuntap", "add", "dev", "jwt0", "mode", "tun"}));
  ASSERT_TRUE(RunProgram({"ip", "link", "del", "jwt0"}));
  BoundedQueue<LinkEvent> events(100);
  std::jthread thread([&](const std::stop_token& stop) {
    EXPECT_TRUE((*monitor)->Run(stop, [&](const LinkEvent& event) { events.Push(event); }));
  });
  unsigned ifindex = 0;
  bool deleted = false;
  while (!deleted) {
    const auto event = events.Pop(std::chrono::seconds(20));
    ASSERT_TRUE(event) << "no notice came";
    if (event->name != "jwt0") continue;
    if (event->kind == LinkEvent::Kind::kChanged) ifindex = event->ifindex;
    deleted = event->kind == LinkEvent::Kind::kDeleted;
    EXPECT_TRUE(!deleted || event->ifindex == ifindex);
  }
  EXPECT_NE(ifindex, 0u);
}

}  // namespace
}  // namespace jitwg::sniffer
