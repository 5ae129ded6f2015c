// Looks at the installed peers every few seconds and takes out those that the eviction rules name.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "lib/base/clock.h"
#include "provisioner/eviction.h"
#include "provisioner/interface_table.h"
#include "provisioner/peer_book.h"
#include "provisioner/peer_remover.h"
#include "provisioner/replay_memory.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

// Each outlives the evictor.
struct EvictorParts {
  const Clock& clock;
  SnifferLink& link;
  ReplayMemory& replay;
  PeerBook& book;
  InterfaceTable& interfaces;
  PeerRemover& remover;
};

// Told on the evictor's thread; must not block.
struct EvictorCallbacks {
  // An interface came or was made anew: its pinned peers may be missing.
  std::function<void()> interfaces_changed;
  // A peer of ours whose record in the registry is not known.
  std::function<void(const PublicKey&)> unknown_peer;
  // A pinned peer that somebody else removed, or one of ours whose settings are not the registry's.
  std::function<void(const PublicKey&)> astray;
  // What an interface holds, as it was listed.
  std::function<void(const std::string&, const PeerList&)> listed;
  // The same, with what the book makes of our own peers in it. May be empty.
  std::function<void(const std::string&, const PeerList&, const Observation&)> observed = {};
  // Before each look. May be empty.
  std::function<void()> looks = {};
};

// So often that an unfinished peer stays at most a third longer than it may.
std::chrono::milliseconds EvictionPeriod(std::chrono::milliseconds interval,
                                         const EvictionLimits& limits);

// From the end of a look to the next, at least. A dump of very many peers takes long and holds the
// kernel's lock, so looking takes a tenth of the time at most; up to half a minute, since a look
// that waited for a stalled sniffer says nothing of the next.
std::chrono::milliseconds RestAfter(std::chrono::milliseconds taken);

class Evictor {
 public:
  Evictor(const EvictorParts& parts, const EvictionLimits& limits, EvictorCallbacks callbacks)
      : parts_(parts), limits_(limits), callbacks_(std::move(callbacks)) {}

  // One look at everything, at once. An error of the link ends it; the next look is whole again.
  void RunOnce(const std::stop_token& stop);
  // RunOnce every `period`, and less often when one takes long, until `stop`.
  void Run(std::chrono::milliseconds period, const std::stop_token& stop);
  // The sniffer refused a newcomer for want of places: look soon, and make room for one more.
  // Thread-safe; only takes note.
  void WantRoom(const std::string& interface);

 private:
  Status LookAt(const InterfaceState& state, const std::stop_token& stop);
  RoomWanted TakeRoomWanted(const InterfaceState& state);
  void Rest(std::chrono::milliseconds at_least, std::chrono::milliseconds at_most,
            const std::stop_token& stop);
  // False: not on disk. Then only those may go who could not come back anyway.
  bool RememberStamps(const PeerList& list, const std::vector<EvictionChoice>& choices);
  void Report(const Status& status);

  const EvictorParts parts_;
  const EvictionLimits limits_;
  const EvictorCallbacks callbacks_;
  bool failing_ = false;
  std::mutex mutex_;
  std::condition_variable_any wanted_;
  std::map<std::string, std::size_t> newcomers_;  // refused since the last look, by interface
};

}  // namespace jitwg::provisioner
