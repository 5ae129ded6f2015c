// The queue's promises about lines: who may take them, and that nothing is left in it.
#include "provisioner/install_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/provisioner/fake_sniffer_link.h"
#include "tests/provisioner/test_values.h"

namespace jitwg::provisioner {
namespace {

class CountingBatcher final : public InstallBatcher {
 public:
  Result<std::vector<PeerSpec>> PrepareBatch(const std::string& /*interface*/,
                                             const std::vector<PublicKey>& keys) override {
    std::vector<PeerSpec> specs;
    for (const PublicKey& key : keys) {
      specs.emplace_back();
      specs.back().public_key = key;
    }
    return specs;
  }
  void FinishBatch(const std::string& /*interface*/, const std::vector<PublicKey>& keys,
                   Result<std::vector<PeerResult>> /*results*/) override {
    finished += keys.size();
  }

  std::atomic<std::size_t> finished{0};
};

TEST(InstallQueueTest, AnInterfaceThatHangsLeavesALineToTheOthers) {
  FakeSnifferLink link;
  CountingBatcher batcher;
  link.HoldInstalls();
  {
    InstallQueue queue(link, batcher, Completion::kSnifferDefault, {.max_calls = 2});
    queue.Push({"wg0", Key(1)});
    link.WaitForInstalls(1);
    for (std::uint16_t i = 2; i < 10; ++i) queue.Push({"wg0", Key(i)});
    std::this_thread::sleep_for(2 * kGatherTime);  // these may be gathered no longer
    queue.Push({"wg1", Key(20)});
    link.WaitForInstalls(2);
    EXPECT_EQ(link.install_calls()[1].interface, "wg1");
    EXPECT_EQ(queue.waiting(), 8U);
    link.ReleaseInstalls();
  }
  EXPECT_EQ(batcher.finished, 10U);
}

TEST(InstallQueueTest, TheEndOfAGatheringSendsWhatAllPushed) {
  FakeSnifferLink link;
  CountingBatcher batcher;
  InstallQueue queue(link, batcher, Completion::kSnifferDefault, {});
  {
    const InstallQueue::Gathering gathering(queue);
    queue.Push({"wg0", Key(1)});
    std::thread([&queue] { queue.Push({"wg1", Key(2)}); }).join();
    EXPECT_TRUE(link.install_calls().empty());
  }
  link.WaitForInstalls(2);
  queue.Stop();
  EXPECT_EQ(batcher.finished, 2U);
  EXPECT_EQ(queue.waiting(), 0U);
}

}  // namespace
}  // namespace jitwg::provisioner
