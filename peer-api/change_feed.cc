#include "peer-api/change_feed.h"

#include <sodium/randombytes.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace jitwg::api {
namespace {

std::string RandomName() {
  std::array<std::uint8_t, 8> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return ToHex(bytes);
}

}  // namespace

ChangeFeed::ChangeFeed(std::size_t max_waiting) : max_waiting_(max_waiting), run_(RandomName()) {}

void ChangeFeed::Add(const registry::Change& change) {
  {
    const std::lock_guard lock(mutex_);
    if (change.public_key) {
      keys_.push_back(*change.public_key);
      if (keys_.size() > kKept) {
        keys_.pop_front();
        ++first_;
      }
    } else {
      // No cursor given out so far may be continued: it takes a number that no key has.
      first_ += keys_.size() + 1;
      keys_.clear();
    }
  }
  changed_.notify_all();
}

std::string ChangeFeed::CursorAt(std::uint64_t sequence) const {
  return run_ + "-" + std::to_string(sequence);
}

std::optional<std::uint64_t> ChangeFeed::Position(std::string_view cursor) const {
  if (!cursor.starts_with(run_ + "-")) return std::nullopt;
  cursor.remove_prefix(run_.size() + 1);
  std::uint64_t sequence = 0;
  const char* const end = cursor.data() + cursor.size();
  const auto [stopped, fault] = std::from_chars(cursor.data(), end, sequence);
  if (fault != std::errc() || stopped != end) return std::nullopt;
  // A cursor is the number of the next key that is wanted.
  if (sequence < first_ || sequence > first_ + keys_.size()) return std::nullopt;
  return sequence;
}

ChangeFeed::News ChangeFeed::Behind(std::uint64_t position) const {
  News news;
  const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(position - first_);
  const auto count =
      std::min<std::size_t>(static_cast<std::size_t>(keys_.end() - begin), kMostAtOnce);
  news.keys.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  std::sort(news.keys.begin(), news.keys.end());
  news.keys.erase(std::unique(news.keys.begin(), news.keys.end()), news.keys.end());
  news.cursor = CursorAt(position + count);
  return news;
}

Result<ChangeFeed::News> ChangeFeed::Next(std::optional<std::string_view> cursor,
                                          std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  const auto settled = [&] {
    if (stopped_ || !cursor) return true;
    const auto position = Position(*cursor);
    return !position || *position < first_ + keys_.size();
  };
  if (!settled() && wait.count() > 0) {
    if (waiting_ >= max_waiting_) {
      return Error{ErrorCode::kUnavailable, "too many gateways wait for changes; ask again later"};
    }
    ++waiting_;
    changed_.wait_for(lock, wait, settled);
    --waiting_;
  }
  const auto position = cursor ? Position(*cursor) : std::nullopt;
  if (position) return Behind(*position);
  News news;
  news.reset = true;
  news.cursor = CursorAt(first_ + keys_.size());
  return news;
}

void ChangeFeed::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

}  // namespace jitwg::api
