// Takes peers out of an interface, a batch at a time, and tells of each that really went.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "provisioner/decisions.h"
#include "provisioner/eviction.h"
#include "provisioner/peer_book.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

// Thread-safe.
class PeerRemover {
 public:
  // Each part outlives it. Between two batches it waits for `pause`, since the kernel holds its
  // lock while it removes.
  PeerRemover(const Clock& clock, SnifferLink& link, PeerBook& book, DecisionHub& decisions,
              std::chrono::milliseconds pause = std::chrono::milliseconds(50))
      : clock_(clock), link_(link), book_(book), decisions_(decisions), pause_(pause) {}

  // Asked just before each batch; may be empty.
  using StillWanted = std::function<bool(const EvictionChoice&)>;
  // Told what became of each; may be empty.
  using OnResult = std::function<void(const PeerResult&)>;

  // Removes what `still_wanted` lets through. Returns the first call's error, which ends it; a peer
  // that is gone already is fine.
  Status Remove(const std::string& interface, const std::vector<EvictionChoice>& choices,
                const StillWanted& still_wanted, const std::stop_token& stop,
                const OnResult& on_result = {});

  // While the lock is held nobody is removed: for those who update a peer only if it is there.
  [[nodiscard]] std::unique_lock<std::mutex> HoldRemovals() { return std::unique_lock(removing_); }

 private:
  Status RemoveBatch(const std::string& interface, const std::vector<EvictionChoice>& batch,
                     const std::stop_token& stop, const OnResult& on_result);
  void Told(const PeerId& id, EvictionReason reason, const PeerResult& result);

  const Clock& clock_;
  SnifferLink& link_;
  PeerBook& book_;
  DecisionHub& decisions_;
  const std::chrono::milliseconds pause_;
  std::mutex removing_;  // from asking whether a peer is to go until the book knows it went
};

// Returns early when `stop` is requested; true: it was.
bool PauseUnlessStopped(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace jitwg::provisioner
