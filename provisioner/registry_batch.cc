#include "provisioner/registry_batch.h"

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <utility>

namespace jitwg::provisioner {
namespace {

using Found = Result<std::optional<registry::Peer>>;

// Shared with the callbacks, so that the last one can still leave it after the waiter has gone.
struct Answers {
  std::mutex mutex;
  std::condition_variable complete;
  std::vector<Found> found;
  std::size_t missing = 0;
};

}  // namespace

std::vector<Found> FindMany(registry::Registry& registry, const std::vector<PublicKey>& keys,
                            std::chrono::milliseconds timeout) {
  const auto answers = std::make_shared<Answers>();
  answers->missing = keys.size();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    answers->found.emplace_back(Error{ErrorCode::kInternal, "no answer"});
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    registry.Find(keys[i], timeout, [answers, i](Found found) {
      const std::lock_guard lock(answers->mutex);
      answers->found[i] = std::move(found);
      if (--answers->missing == 0) answers->complete.notify_all();
    });
  }
  std::unique_lock lock(answers->mutex);
  answers->complete.wait(lock, [&] { return answers->missing == 0; });
  return std::move(answers->found);
}

Result<std::vector<PeerResult>> InstallAndWait(SnifferLink& link, const std::string& interface,
                                               std::vector<PeerSpec> peers, Completion completion) {
  const auto answer = std::make_shared<std::promise<Result<std::vector<PeerResult>>>>();
  auto future = answer->get_future();
  link.Install(
      interface, std::move(peers), completion,
      [answer](Result<std::vector<PeerResult>> results) { answer->set_value(std::move(results)); });
  return future.get();
}

}  // namespace jitwg::provisioner
