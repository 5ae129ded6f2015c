// The last changes of the registry, for gateways that ask over HTTP: a ring, cursors into it, and
// waiting for the next one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/key.h"
#include "lib/registry/registry.h"

namespace jitwg::api {

// Thread-safe.
class ChangeFeed {
 public:
  static constexpr std::size_t kKept = 10'000;
  static constexpr std::size_t kMostAtOnce = 1000;

  // At most `max_waiting` callers wait at a time.
  explicit ChangeFeed(std::size_t max_waiting);

  struct News {
    std::string cursor;  // pass it the next time
    bool reset = false;  // anything may have changed; read again what you hold
    std::vector<PublicKey> keys;
  };

  // What the registry's subscription calls.
  void Add(const registry::Change& change);

  // Changes behind the cursor, at once when there are any, else after `wait` or when some come.
  // Without a cursor, or with one too old or of another run: reset, at once. kUnavailable: too many
  // wait already.
  Result<News> Next(std::optional<std::string_view> cursor, std::chrono::milliseconds wait);

  // Ends all waiting, now and later.
  void Stop();

 private:
  std::string CursorAt(std::uint64_t sequence) const;
  // With mutex_ held. nullopt: anything may have changed since.
  std::optional<std::uint64_t> Position(std::string_view cursor) const;
  News Behind(std::uint64_t position) const;

  const std::size_t max_waiting_;
  const std::string run_;  // tells this process's cursors from another's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<PublicKey> keys_;  // that of number first_ in front
  std::uint64_t first_ = 1;
  std::size_t waiting_ = 0;
  bool stopped_ = false;
};

}  // namespace jitwg::api
