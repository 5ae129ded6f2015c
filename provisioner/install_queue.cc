#include "provisioner/install_queue.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace jitwg::provisioner {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How long a call that is under way holds back what came since. One that takes longer than that
// hangs, or has a slow kernel behind it.
constexpr std::chrono::milliseconds kGatherTime{5};

}  // namespace

InstallQueue::InstallQueue(SnifferLink& link, InstallBatcher& batcher, Completion completion,
                           InstallQueueLimits limits)
    : link_(link), batcher_(batcher), completion_(completion), limits_(limits) {
  worker_ = std::thread([this] { Run(); });
}

InstallQueue::~InstallQueue() { Stop(); }

void InstallQueue::Push(const PeerId& id) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      const bool first = turns_.empty();
      auto& keys = waiting_[id.interface];
      if (keys.empty()) turns_.push_back(id.interface);
      keys.push_back(id.public_key);
      ++waiting_count_;
      if (gathering_ != std::this_thread::get_id() && (first || MaySend())) changed_.notify_all();
      return;
    }
  }
  batcher_.FinishBatch(id.interface, {id.public_key},
                       Error{ErrorCode::kUnavailable, "the provisioner is stopping"});
}

std::size_t InstallQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_count_;
}

void InstallQueue::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return calls_ == 0; });
}

bool InstallQueue::MaySend() const {
  if (turns_.empty() || calls_ >= limits_.max_calls) return false;
  return calls_ == 0 || waiting_count_ >= limits_.max_batch ||
         SteadyClock::now() >= last_begun_ + kGatherTime;
}

void InstallQueue::Run() {
  std::unique_lock lock(mutex_);
  const auto woken = [this] { return stopping_ || (gathering_ == std::thread::id() && MaySend()); };
  while (!stopping_) {
    if (turns_.empty() || calls_ >= limits_.max_calls || gathering_ != std::thread::id()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, last_begun_ + kGatherTime, woken);
    }
    if (!woken() || stopping_) continue;
    lock.unlock();
    SendWaiting();
    lock.lock();
  }
  while (!turns_.empty()) {
    const Batch batch = TakeBatch();
    lock.unlock();
    batcher_.FinishBatch(batch.interface, batch.keys,
                         Error{ErrorCode::kUnavailable, "the provisioner is stopping"});
    lock.lock();
  }
}

void InstallQueue::SendWaiting() {
  std::unique_lock lock(mutex_);
  while (!stopping_ && MaySend()) {
    Batch batch = TakeBatch();
    ++calls_;
    last_begun_ = SteadyClock::now();
    lock.unlock();
    Send(std::move(batch));
    lock.lock();
  }
}

InstallQueue::Gathering::Gathering(InstallQueue& queue) : queue_(queue) {
  const std::lock_guard lock(queue_.mutex_);
  queue_.gathering_ = std::this_thread::get_id();
}

InstallQueue::Gathering::~Gathering() {
  queue_.SendWaiting();
  const std::lock_guard lock(queue_.mutex_);
  queue_.gathering_ = std::thread::id();
  if (!queue_.turns_.empty()) queue_.changed_.notify_all();
}

InstallQueue::Batch InstallQueue::TakeBatch() {
  Batch batch{std::move(turns_.front()), {}};
  turns_.pop_front();
  auto& keys = waiting_[batch.interface];
  const auto count = static_cast<std::ptrdiff_t>(std::min(keys.size(), limits_.max_batch));
  batch.keys.assign(keys.begin(), keys.begin() + count);
  keys.erase(keys.begin(), keys.begin() + count);
  waiting_count_ -= batch.keys.size();
  if (keys.empty()) {
    waiting_.erase(batch.interface);
  } else {
    turns_.push_back(batch.interface);  // the next interface comes first
  }
  return batch;
}

void InstallQueue::Send(Batch batch) {
  auto specs = batcher_.PrepareBatch(batch.interface, batch.keys);
  if (!specs) {
    batcher_.FinishBatch(batch.interface, batch.keys, specs.error());
    CallEnded();
    return;
  }
  const auto shared = std::make_shared<const Batch>(std::move(batch));
  link_.Install(shared->interface, std::move(*specs), completion_,
                [this, shared](Result<std::vector<PeerResult>> results) {
                  if (results && results->size() != shared->keys.size()) {
                    results = Error{ErrorCode::kInternal,
                                    "the sniffer answered for " + std::to_string(results->size()) +
                                        " peers instead of " + std::to_string(shared->keys.size())};
                  }
                  batcher_.FinishBatch(shared->interface, shared->keys, std::move(results));
                  CallEnded();
                });
}

void InstallQueue::CallEnded() {
  const std::lock_guard lock(mutex_);
  --calls_;
  // Under the lock: Stop may end the queue's life right after.
  if (stopping_ || !turns_.empty()) changed_.notify_all();
}

}  // namespace jitwg::provisioner
