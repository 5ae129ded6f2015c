#include "provisioner/replay_memory.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace jitwg::provisioner {

Result<std::unique_ptr<ReplayMemory>> ReplayMemory::Open(const std::string& directory,
                                                         std::size_t max_cached) {
  auto store = ReplayStore::Open(directory);
  if (!store) return store.error();
  std::unique_ptr<ReplayMemory> memory(
      new ReplayMemory(std::move(*store), std::max<std::size_t>(max_cached, 1)));
  if (const Status loaded = memory->Load(); !loaded) return loaded.error();
  return memory;
}

Status ReplayMemory::Load() {
  // One more than there is room for: then the file has more than the cache.
  auto stored = store_->List(max_cached_ + 1);
  if (!stored && stored.error().code == ErrorCode::kDataLoss) {
    if (Status repaired = Repair(stored.error()); !repaired) return repaired;
    stored = store_->List(max_cached_ + 1);
  }
  if (!stored) return stored.error();
  complete_ = stored->size() <= max_cached_;
  if (!complete_) return {};
  for (const auto& [key, stamp] : *stored) Remember(key, stamp);
  return {};
}

ReplayMemory::~ReplayMemory() {
  const Status flushed = Flush();
  if (!flushed) spdlog::error("replay_memory_not_written problem=\"{}\"", flushed.error().message);
}

Result<std::optional<Tai64n>> ReplayMemory::Newest(const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  return NewestLocked(key);
}

Result<std::optional<Tai64n>> ReplayMemory::NewestLocked(const PublicKey& key) {
  std::optional<Tai64n> newest = Cached(key);
  if (!newest && !complete_) {
    const auto stored = FindStored(key);
    if (!stored) return stored.error();
    newest = *stored;
    if (newest) Remember(key, *newest);
  }
  const auto pending = pending_.find(key);
  if (pending != pending_.end() && (!newest || *newest < pending->second)) newest = pending->second;
  return newest;
}

Status ReplayMemory::Raise(const std::vector<KeyStamp>& stamps) {
  const std::lock_guard lock(mutex_);
  Status stored = RaiseStored(stamps);
  if (!stored) return stored;
  for (const auto& [key, stamp] : stamps) {
    // What the cache does not hold may be newer on disk, unless it holds everything: else only a
    // known key is raised in it.
    if (complete_ || index_.contains(key)) Remember(key, stamp);
  }
  return {};
}

Result<std::optional<Tai64n>> ReplayMemory::Forget(const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  auto newest = NewestLocked(key);
  if (!newest) return newest;
  auto forgotten = store_->Forget(key);
  if (!forgotten && forgotten.error().code == ErrorCode::kDataLoss) {
    if (const Status repaired = Repair(forgotten.error()); !repaired) return repaired.error();
    forgotten = store_->Forget(key);
  }
  if (!forgotten) return forgotten.error();
  pending_.erase(key);
  if (const auto cached = index_.find(key); cached != index_.end()) {
    cache_.erase(cached->second);
    index_.erase(cached);
  }
  return newest;
}

Result<std::optional<Tai64n>> ReplayMemory::FindStored(const PublicKey& key) {
  auto stored = store_->Find(key);
  if (stored || stored.error().code != ErrorCode::kDataLoss) return stored;
  const Status repaired = Repair(stored.error());
  if (!repaired) return repaired.error();
  return store_->Find(key);
}

Status ReplayMemory::RaiseStored(const std::vector<KeyStamp>& stamps) {
  Status stored = store_->Raise(stamps);
  if (stored || stored.error().code != ErrorCode::kDataLoss) return stored;
  if (Status repaired = Repair(stored.error()); !repaired) return repaired;
  return store_->Raise(stamps);
}

Status ReplayMemory::Repair(const Error& why) {
  std::vector<KeyStamp> known(cache_.begin(), cache_.end());
  known.insert(known.end(), pending_.begin(), pending_.end());
  return store_->Repair(why, known);
}

void ReplayMemory::RaiseSoon(const PublicKey& key, const Tai64n& stamp) {
  const std::lock_guard lock(mutex_);
  const auto [entry, added] = pending_.try_emplace(key, stamp);
  if (!added && entry->second < stamp) entry->second = stamp;
  if (pending_.size() < kMaxPending) return;
  const Status flushed = FlushLocked();
  if (flushed) return;
  // A full or broken disk. What is dropped is still in the kernel, which lists it.
  pending_.clear();
}

Status ReplayMemory::Flush() {
  const std::lock_guard lock(mutex_);
  return FlushLocked();
}

Status ReplayMemory::FlushLocked() {
  if (pending_.empty()) return {};
  const std::vector<KeyStamp> stamps(pending_.begin(), pending_.end());
  Status stored = RaiseStored(stamps);
  if (!stored) return stored;
  for (const auto& [key, stamp] : stamps) {
    if (complete_ || index_.contains(key)) Remember(key, stamp);
  }
  pending_.clear();
  return {};
}

std::optional<Tai64n> ReplayMemory::Cached(const PublicKey& key) {
  const auto cached = index_.find(key);
  if (cached == index_.end()) return std::nullopt;
  cache_.splice(cache_.begin(), cache_, cached->second);
  return cached->second->second;
}

void ReplayMemory::Remember(const PublicKey& key, const Tai64n& stamp) {
  const auto cached = index_.find(key);
  if (cached != index_.end()) {
    cached->second->second = std::max(cached->second->second, stamp);
    return;
  }
  cache_.emplace_front(key, stamp);
  index_.emplace(key, cache_.begin());
  if (cache_.size() > max_cached_) {
    index_.erase(cache_.back().first);
    cache_.pop_back();
    complete_ = false;
  }
}

}  // namespace jitwg::provisioner
