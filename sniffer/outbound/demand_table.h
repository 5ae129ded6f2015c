// The newest demands that were told to watchers, by their id: what an installation that nobody
// called for has to name. Bounded; the oldest is forgotten first.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/net.h"

namespace jitwg::sniffer {

// Thread-safe.
class DemandTable {
 public:
  struct Entry {
    std::string interface;
    IpAddress destination;
    SteadyTime seen_at;
  };

  // `valid_for` covers the provisioner's look-ups, and no more: what the gateway wanted to send a
  // while ago is no reason to call anybody now.
  explicit DemandTable(std::size_t capacity = 1024,
                       std::chrono::seconds valid_for = std::chrono::seconds(30))
      : capacity_(capacity), valid_for_(valid_for) {}

  // Returns the new id, never 0, counting up.
  std::uint64_t Add(Entry entry);

  // Each serves once, whatever comes of it. nullopt: served, too old, forgotten, or never there.
  std::optional<Entry> Take(std::uint64_t id, SteadyTime now);

 private:
  const std::size_t capacity_;
  const std::chrono::seconds valid_for_;
  std::mutex mutex_;
  std::map<std::uint64_t, Entry> entries_;  // the oldest first
  std::uint64_t next_id_ = 1;
};

}  // namespace jitwg::sniffer
