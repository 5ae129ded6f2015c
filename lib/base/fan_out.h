// One publisher's items to several watchers, each with its own bounded queue: a slow watcher loses
// its oldest items and is told how many; it never holds up the publisher or the others.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/result.h"

namespace jitwg {

struct FanOutLimits {
  std::size_t queue_capacity = 8192;
  std::size_t max_watchers = 16;
};

// Thread-safe.
template <class T>
class FanOut {
 public:
  using Item = std::shared_ptr<const T>;
  using Wanted = std::function<bool(const T&)>;

  struct Delivery {
    Item item;
    std::uint64_t dropped_before = 0;  // items this watcher lost just before `item`
  };

  class Watcher {
   public:
    // The oldest waiting item, or nullopt.
    std::optional<Delivery> Next() {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) return std::nullopt;
      Delivery delivery{std::move(queue_.front()), std::exchange(dropped_, 0)};
      queue_.pop_front();
      return delivery;
    }

    // Gives the oldest waiting item to `take`, unless items were lost before it, and keeps it
    // waiting when `take` says no. False: nothing was taken. `take` must not call back.
    bool TakeIf(const std::function<bool(const T&)>& take) {
      const std::lock_guard lock(mutex_);
      if (queue_.empty() || dropped_ != 0 || !take(*queue_.front())) return false;
      queue_.pop_front();
      return true;
    }

   private:
    friend class FanOut;

    Watcher(std::size_t capacity, Wanted wanted, std::function<void()> wake)
        : capacity_(capacity), wanted_(std::move(wanted)), wake_(std::move(wake)) {}

    // Returns how many items were dropped to make room: 0 or 1.
    std::uint64_t Push(const Item& item) {
      const std::lock_guard lock(mutex_);
      std::uint64_t dropped = 0;
      if (queue_.size() >= capacity_) {
        queue_.pop_front();
        dropped = 1;
      }
      dropped_ += dropped;
      queue_.push_back(item);
      return dropped;
    }

    bool PushIfIdle(const Item& item) {
      const std::lock_guard lock(mutex_);
      if (!queue_.empty()) return false;
      queue_.push_back(item);
      return true;
    }

    const std::size_t capacity_;
    const Wanted wanted_;
    const std::function<void()> wake_;
    std::mutex mutex_;
    std::deque<Item> queue_;
    std::uint64_t dropped_ = 0;
  };

  explicit FanOut(FanOutLimits limits = {}) : limits_(limits) {}

  // `wanted` (may be empty: everything) filters; `wake` is called, holding no lock, after an item
  // was queued, and may come once more after Remove(). kResourceExhausted: too many watchers.
  Result<std::shared_ptr<Watcher>> Add(Wanted wanted, std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    if (watchers_.size() >= limits_.max_watchers) {
      return Error{ErrorCode::kResourceExhausted,
                   "all " + std::to_string(limits_.max_watchers) +
                       " places for watchers are taken; end another watch first"};
    }
    std::shared_ptr<Watcher> watcher(
        new Watcher(limits_.queue_capacity, std::move(wanted), std::move(wake)));
    watchers_.push_back(watcher);
    return watcher;
  }

  void Remove(const std::shared_ptr<Watcher>& watcher) {
    const std::lock_guard lock(mutex_);
    watchers_.erase(std::remove(watchers_.begin(), watchers_.end(), watcher), watchers_.end());
  }

  void Publish(T item) {
    std::vector<T> items;
    items.push_back(std::move(item));
    Publish(std::move(items));
  }

  // In order; each watcher is woken once for all of them.
  void Publish(std::vector<T> items) {
    std::vector<Item> shared;
    shared.reserve(items.size());
    for (T& item : items) shared.push_back(std::make_shared<const T>(std::move(item)));
    std::uint64_t dropped = 0;
    for (const auto& watcher : Watchers()) {
      bool has_news = false;
      for (const Item& item : shared) {
        if (watcher->wanted_ && !watcher->wanted_(*item)) continue;
        dropped += watcher->Push(item);
        has_news = true;
      }
      if (has_news) watcher->wake_();
    }
    const std::lock_guard lock(mutex_);
    dropped_ += dropped;
  }

  // A sign of life: only to watchers that have nothing waiting. Never displaces an item.
  void Beat(T item) {
    const auto shared = std::make_shared<const T>(std::move(item));
    for (const auto& watcher : Watchers()) {
      if (watcher->PushIfIdle(shared)) watcher->wake_();
    }
  }

  std::size_t watchers() const {
    const std::lock_guard lock(mutex_);
    return watchers_.size();
  }
  // Of all watchers together, ever.
  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  std::vector<std::shared_ptr<Watcher>> Watchers() const {
    const std::lock_guard lock(mutex_);
    return watchers_;
  }

  const FanOutLimits limits_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Watcher>> watchers_;
  std::uint64_t dropped_ = 0;
};

}  // namespace jitwg
