// The one subscriber of a registry's changes: who it is, and the promise that nothing is told after
// it went. Knows no store.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "lib/registry/registry.h"

namespace jitwg::registry {

// Thread-safe; Deliver by one thread at a time.
class Subscription {
 public:
  // Replaces the subscriber and returns the new one's number. Waits for a call under way, unless it
  // is made from inside that very call.
  std::uint64_t Set(Registry::ChangeCallback on_change);

  // The number of the present subscriber; 0 when there is none.
  std::uint64_t active() const;

  // Tells the change, unless the subscriber of that number has gone. False: it has.
  bool Deliver(const Change& change, std::uint64_t number);

 private:
  mutable std::mutex mutex_;
  std::condition_variable delivered_;
  Registry::ChangeCallback on_change_;
  std::uint64_t number_ = 0;
  bool delivering_ = false;
  std::thread::id deliverer_;
};

}  // namespace jitwg::registry
