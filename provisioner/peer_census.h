// How many peers the interfaces hold, by whether anybody needs them, now and for the last hours.
// Bounded by the number of interfaces, not of peers.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "provisioner/peer_book.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

// Each peer is in one of these.
struct PeerCounts {
  std::size_t live = 0;        // ours, and active within a session's life
  std::size_t unfinished = 0;  // ours, and young: its handshake has not completed yet
  std::size_t stale = 0;       // ours, without a session: nobody would miss it
  std::size_t pinned = 0;      // ours, to stay whatever it does
  std::size_t foreign = 0;     // not ours

  PeerCounts& operator+=(const PeerCounts& other);
  bool operator==(const PeerCounts&) const = default;
};

// `seen` is what the book made of `list`. Pure.
PeerCounts CountPeers(const PeerList& list, const Observation& seen, SteadyTime now);

// Thread-safe.
class PeerCensus {
 public:
  struct Latest {
    PeerCounts counts;
    WallTime listed_at;
  };
  // Of all interfaces together.
  struct Sample {
    WallTime at;
    PeerCounts counts;
  };
  static constexpr std::size_t kMaxSamples = 720;
  static constexpr std::chrono::seconds kBetweenSamples{5};

  void Note(const std::string& interface, const PeerCounts& counts, WallTime now);

  // By interface. One that is gone keeps its last numbers: ask InterfaceTable.
  std::map<std::string, Latest> Now() const;
  // Oldest first, at least kBetweenSamples apart but for the last.
  std::vector<Sample> History() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Latest> latest_;
  std::deque<Sample> samples_;
};

}  // namespace jitwg::provisioner
