// From an outbound demand to the registered peer that has the address: one look-up at a time, none
// for who was looked up a moment ago. Decides nothing about the peer; the coordinator does.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "provisioner/coordinator.h"
#include "provisioner/decisions.h"
#include "provisioner/outbound_backoff.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

struct OutboundDeskOptions {
  std::string network;  // of the addresses; empty for all
  // So long a peer that was called is left alone in any case: it is in, or just going.
  std::chrono::milliseconds unfinished = std::chrono::seconds(15);
  std::size_t max_waiting = 256;  // demands; those beyond are dropped: their packets ask again
  OutboundBackoffLimits backoff;
};

// Thread-safe; one thread runs it.
class OutboundDesk {
 public:
  // The references outlive it. `call` is told whom to call, on the thread that runs the desk.
  OutboundDesk(const Clock& clock, registry::Registry& registry, DecisionHub& decisions,
               OutboundDeskOptions options, std::function<void(const OutboundCall&)> call);

  // Never blocks.
  void OnDemand(const OutboundDemand& demand);
  // What became of a call.
  void OnLanded(const OutboundCall& call, Verdict verdict);
  // Signs of life, and of a change.
  void OnEvent(const HandshakeEvent& event);
  void NoteList(const std::string& interface, const PeerList& list);
  void OnRegistryChange(const registry::Change& change);

  // Looks up what waits, until `stop`.
  void Run(const std::stop_token& stop);
  // Looks up what waits longest; false: nothing does.
  bool LookUpNext();

  // "received", "looked_up", "backed_off", "waiting_already", "overflow".
  std::map<std::string, std::uint64_t> Counters() const;

 private:
  enum Counter : std::size_t { kReceived, kLookedUp, kBackedOff, kWaitingAlready, kOverflow };
  static constexpr std::size_t kCounters = kOverflow + 1;

  void Count(Counter counter) { counts_.at(counter).fetch_add(1, std::memory_order_relaxed); }
  void LookUp(const OutboundDemand& demand);
  void Refuse(const OutboundDemand& demand, Verdict verdict, const std::string& detail);

  const Clock& clock_;
  registry::Registry& registry_;
  DecisionHub& decisions_;
  const OutboundDeskOptions options_;
  const std::function<void(const OutboundCall&)> call_;
  std::array<std::atomic<std::uint64_t>, kCounters> counts_{};
  mutable std::mutex mutex_;  // guards all below; never held while calling out
  std::condition_variable_any wake_;
  std::deque<OutboundDemand> waiting_;
  OutboundBackoff backoff_;
};

}  // namespace jitwg::provisioner
