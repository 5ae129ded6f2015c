#include "provisioner/install_queue.h"

#include <algorithm>
#include <chrono>
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
      Line& line = lines_[id.interface];
      const bool first = line.keys.empty();
      if (first) turns_.push_back(id.interface);
      line.keys.push_back(id.public_key);
      const bool gathered = gathering_ == std::this_thread::get_id();
      if (!gathered && (first || line.keys.size() == limits_.max_batch)) changed_.notify_all();
      return;
    }
  }
  batcher_.FinishBatch(id.interface, {id.public_key},
                       Error{ErrorCode::kUnavailable, "the provisioner is stopping"});
}

std::size_t InstallQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [interface, line] : lines_) sum += line.keys.size();
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

bool InstallQueue::HasRoom(const Line& line) const {
  const std::size_t most = std::max<std::size_t>(limits_.max_calls - 1, 1);
  return calls_ < limits_.max_calls && line.calls < most;
}

bool InstallQueue::IsReady(const Line& line) const {
  if (!HasRoom(line)) return false;
  return line.calls == 0 || line.keys.size() >= limits_.max_batch ||
         SteadyClock::now() >= line.last_begun + kGatherTime;
}

std::deque<std::string>::iterator InstallQueue::FindReady() {
  return std::find_if(turns_.begin(), turns_.end(), [this](const std::string& interface) {
    return IsReady(lines_.at(interface));
  });
}

InstallQueue::SteadyClock::time_point InstallQueue::NextReady() const {
  auto next = SteadyClock::time_point::max();
  for (const std::string& interface : turns_) {
    const Line& line = lines_.at(interface);
    if (HasRoom(line)) next = std::min(next, line.last_begun + kGatherTime);
  }
  return next;
}

InstallQueue::Batch InstallQueue::TakeBatch(const std::deque<std::string>::iterator& turn) {
  Batch batch{std::move(*turn), {}};
  turns_.erase(turn);
  auto& keys = lines_.at(batch.interface).keys;
  const auto count = static_cast<std::ptrdiff_t>(std::min(keys.size(), limits_.max_batch));
  batch.keys.assign(keys.begin(), keys.begin() + count);
  keys.erase(keys.begin(), keys.begin() + count);
  if (!keys.empty()) turns_.push_back(batch.interface);  // the next interface comes first
  return batch;
}

void InstallQueue::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool gathering = gathering_ != std::thread::id();
    if (!gathering && FindReady() != turns_.end()) {
      lock.unlock();
      SendWaiting();
      lock.lock();
      continue;
    }
    const auto next = gathering ? SteadyClock::time_point::max() : NextReady();
    if (next == SteadyClock::time_point::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, next);
    }
  }
  while (!turns_.empty()) {
    const Batch batch = TakeBatch(turns_.begin());
    lock.unlock();
    batcher_.FinishBatch(batch.interface, batch.keys,
                         Error{ErrorCode::kUnavailable, "the provisioner is stopping"});
    lock.lock();
  }
}

void InstallQueue::SendWaiting() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto turn = FindReady();
    if (turn == turns_.end()) return;
    Batch batch = TakeBatch(turn);
    Line& line = lines_.at(batch.interface);
    ++calls_;
    ++line.calls;
    line.last_begun = SteadyClock::now();
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

void InstallQueue::Send(Batch batch) {
  auto specs = batcher_.PrepareBatch(batch.interface, batch.keys);
  if (!specs) {
    batcher_.FinishBatch(batch.interface, batch.keys, specs.error());
    CallEnded(batch.interface);
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
                  CallEnded(shared->interface);
                });
}

void InstallQueue::CallEnded(const std::string& interface) {
  const std::lock_guard lock(mutex_);
  --calls_;
  const auto line = lines_.find(interface);
  if (--line->second.calls == 0 && line->second.keys.empty()) lines_.erase(line);
  // Under the lock: Stop may end the queue's life right after.
  if (stopping_ || !turns_.empty()) changed_.notify_all();
}

}  // namespace jitwg::provisioner
