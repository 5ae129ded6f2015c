#include "provisioner/install_queue.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace jitwg::provisioner {

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
      auto& keys = waiting_[id.interface];
      if (keys.empty()) turns_.push_back(id.interface);
      keys.push_back(id.public_key);
      changed_.notify_one();
      return;
    }
  }
  batcher_.FinishBatch(id.interface, {id.public_key},
                       Error{ErrorCode::kUnavailable, "the provisioner is stopping"});
}

std::size_t InstallQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [interface, keys] : waiting_) sum += keys.size();
  return sum;
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

void InstallQueue::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(
        lock, [this] { return stopping_ ? true : !turns_.empty() && calls_ < limits_.max_calls; });
    if (turns_.empty()) return;
    Batch batch = TakeBatch();
    if (!stopping_) ++calls_;
    const bool stopping = stopping_;
    lock.unlock();
    if (stopping) {
      batcher_.FinishBatch(batch.interface, batch.keys,
                           Error{ErrorCode::kUnavailable, "the provisioner is stopping"});
    } else {
      Send(std::move(batch));
    }
    lock.lock();
  }
}

InstallQueue::Batch InstallQueue::TakeBatch() {
  Batch batch{std::move(turns_.front()), {}};
  turns_.pop_front();
  auto& keys = waiting_[batch.interface];
  const auto count = static_cast<std::ptrdiff_t>(std::min(keys.size(), limits_.max_batch));
  batch.keys.assign(keys.begin(), keys.begin() + count);
  keys.erase(keys.begin(), keys.begin() + count);
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
  changed_.notify_all();  // under the lock: Stop may end the queue's life right after
}

}  // namespace jitwg::provisioner
