#include "provisioner/peer_cache_store.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "provisioner/log_text.h"

namespace jitwg::provisioner {
namespace {

// How long what the registry said waits for company, and how much of it is company enough. A crash
// loses that much, which costs nobody anything.
constexpr std::chrono::milliseconds kGathering{50};
constexpr std::size_t kFullBatch = 2048;

}  // namespace

PeerCacheStore::PeerCacheStore(const std::string& directory, const PeerCacheLimits& limits)
    : path_(directory + "/cache.db"), limits_(limits) {
  {
    const std::lock_guard disk(disk_mutex_);
    const Status opened = OpenFile();
    if (!opened) HandleFailure(opened.error());
  }
  writer_ = std::thread([this] { Run(); });
}

PeerCacheStore::~PeerCacheStore() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  writer_.join();
}

void PeerCacheStore::Put(CachedPeer cached) {
  const PublicKey key = cached.peer.public_key;
  const std::lock_guard lock(mutex_);
  const auto [item, added] = changes_.try_emplace(key);
  if (added) {
    order_.push_back(key);
  } else if (!item->second) {
    --removals_;
  }
  item->second = std::move(cached);
  KeepBounded();
  // The writer is woken by the first and by a full batch; to wake it for each would cost a look-up
  // more than the writing does.
  if (changes_.size() == 1 || changes_.size() == kFullBatch) changed_.notify_all();
}

void PeerCacheStore::Remove(const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  const auto [item, added] = changes_.try_emplace(key);
  if (added) order_.push_back(key);
  if (added || item->second) ++removals_;
  item->second.reset();
  KeepBounded();
  changed_.notify_all();
}

// Entries may be given up; removals may not, or the file would bring back who was revoked.
void PeerCacheStore::KeepBounded() {
  if (removals_ > limits_.max_unwritten) {
    ++file_is_stale_;
    std::erase_if(changes_, [](const auto& item) { return !item.second; });
    std::erase_if(order_, [this](const PublicKey& key) { return !changes_.contains(key); });
    removals_ = 0;
  }
  for (std::size_t tries = order_.size(); changes_.size() > 2 * limits_.max_unwritten && tries > 0;
       --tries) {
    const PublicKey oldest = order_.front();
    order_.pop_front();
    const auto found = changes_.find(oldest);
    if (found->second) {
      changes_.erase(found);
    } else {
      order_.push_back(oldest);
    }
  }
}

std::optional<CachedPeer> PeerCacheStore::Find(const PublicKey& key) {
  {
    const std::lock_guard lock(mutex_);
    for (const CacheChanges* changes : {&changes_, &writing_}) {
      const auto found = changes->find(key);
      if (found == changes->end()) continue;
      if (!found->second) return std::nullopt;
      return found->second->Clone();
    }
    if (file_is_stale_ != 0) return std::nullopt;
  }
  const std::lock_guard disk(disk_mutex_);
  if (!file_) return std::nullopt;
  auto found = file_->Find(key);
  if (found) return std::move(*found);
  HandleFailure(found.error());
  return std::nullopt;
}

std::vector<CachedPeer> PeerCacheStore::List(const registry::ListQuery& query) {
  static_cast<void>(Flush());
  {
    const std::lock_guard lock(mutex_);
    if (file_is_stale_ != 0) return {};
  }
  const std::lock_guard disk(disk_mutex_);
  if (!file_) return {};
  auto page = file_->List(query);
  if (!page) {
    HandleFailure(page.error());
    return {};
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(*page, [this](const CachedPeer& cached) {
    const auto change = changes_.find(cached.peer.public_key);
    return change != changes_.end() && !change->second;
  });
  return std::move(*page);
}

bool PeerCacheStore::Flush() {
  std::unique_lock lock(mutex_);
  const auto done = [this] { return changes_.empty() && writing_.empty(); };
  // A round may be under way already; the one after it has everything.
  const std::uint64_t enough = rounds_ + 2;
  ++flushing_;
  changed_.notify_all();
  changed_.wait(lock, [&] {
    return done() || stop_ || (last_write_failed_ && rounds_ > 0) || rounds_ >= enough;
  });
  --flushing_;
  return done();
}

std::size_t PeerCacheStore::size() {
  const std::lock_guard disk(disk_mutex_);
  if (!file_) return 0;
  const auto count = file_->Count();
  return count ? *count : 0;
}

void PeerCacheStore::Run() {
  std::unique_lock lock(mutex_);
  std::uint64_t stale = 0;
  while (TakeBatch(lock, stale)) {
    lock.unlock();
    WriteBatch(stale);
    lock.lock();
    ++rounds_;
    changed_.notify_all();
  }
}

bool PeerCacheStore::TakeBatch(std::unique_lock<std::mutex>& lock, std::uint64_t& stale) {
  if (last_write_failed_) {
    changed_.wait_for(lock, limits_.retry_delay, [this] { return stop_; });
    if (stop_) return false;
  }
  changed_.wait(lock, [this] { return stop_ || !changes_.empty() || file_is_stale_ != 0; });
  // Removals do not wait.
  changed_.wait_for(lock, kGathering, [this] {
    return stop_ || flushing_ > 0 || removals_ > 0 || file_is_stale_ != 0 ||
           changes_.size() >= kFullBatch;
  });
  if (changes_.empty() && file_is_stale_ == 0) return false;
  writing_ = std::exchange(changes_, {});
  order_.clear();
  removals_ = 0;
  stale = file_is_stale_;
  return true;
}

void PeerCacheStore::WriteBatch(std::uint64_t stale) {
  const bool clear_first = stale != 0;
  Status written;
  {
    const std::lock_guard disk(disk_mutex_);
    written = WriteToFile(clear_first);
    if (!written) {
      HandleFailure(written.error());
      if (file_ && written.error().code == ErrorCode::kDataLoss) {
        written = WriteToFile(clear_first);  // into a new file
      }
    } else if (std::exchange(failing_, false)) {
      spdlog::info("peer_cache_writable path={}", path_);
    }
  }
  const std::lock_guard lock(mutex_);
  last_write_failed_ = !written;
  if (!written) return PutBack();
  writing_.clear();
  if (file_is_stale_ == stale) file_is_stale_ = 0;
}

Status PeerCacheStore::WriteToFile(bool clear_first) {
  if (!file_) {
    if (Status opened = OpenFile(); !opened) return opened;
  }
  // Only this thread changes writing_.
  Status written = file_->Write(writing_, clear_first);
  since_trim_ += writing_.size();
  if (!written || since_trim_ <= limits_.max_entries / 16) return written;
  since_trim_ = 0;
  return file_->Trim(limits_.max_entries);
}

// What came meanwhile is newer.
void PeerCacheStore::PutBack() {
  for (auto& [key, cached] : writing_) {
    const bool is_removal = !cached;
    if (!changes_.try_emplace(key, std::move(cached)).second) continue;
    order_.push_front(key);
    if (is_removal) ++removals_;
  }
  writing_.clear();
  KeepBounded();
}

Status PeerCacheStore::OpenFile() {
  auto file = PeerCacheFile::Open(path_);
  if (!file) return file.error();
  file_.emplace(std::move(*file));
  return {};
}

void PeerCacheStore::HandleFailure(const Error& error) {
  if (error.code == ErrorCode::kDataLoss) {
    file_.reset();
    const auto aside = SetAside(path_, ".damaged");
    const Status opened = aside ? OpenFile() : Status(Error{aside.error()});
    spdlog::warn(
        "peer_cache_damaged problem=\"{}\" kept_as={} new_file={} effect=\"the peers known to this "
        "gateway are forgotten: until each was looked up again it cannot connect while the "
        "registry "
        "is away\"",
        LogText(error.message), aside ? *aside : "-", opened.has_value());
    if (opened) return;
  }
  ++write_failures_;
  if (!std::exchange(failing_, true)) {
    spdlog::warn(
        "peer_cache_not_written problem=\"{}\" effect=\"what the registry says is kept in memory "
        "only; "
        "trying again\"",
        LogText(error.message));
  }
}

}  // namespace jitwg::provisioner
