// From an event to an installed peer: replay check, one look-up for each key, policy, time stamp to
// disk, install. Keeps nothing of a key that the registry does not know.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/histogram.h"
#include "lib/registry/registry.h"
#include "provisioner/cached_registry.h"
#include "provisioner/decisions.h"
#include "provisioner/install_queue.h"
#include "provisioner/interface_table.h"
#include "provisioner/log_limiter.h"
#include "provisioner/peer_book.h"
#include "provisioner/policy.h"
#include "provisioner/replay_memory.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

// An outbound demand whose address turned out to be a registered peer's.
struct OutboundCall {
  OutboundDemand demand;
  PublicKey public_key;
  std::optional<Endpoint> suggested_endpoint;  // from the registry
};

// Told by a coordinator; each must not block, and may be empty.
struct CoordinatorCallbacks {
  // The registry changed while the key was in flight: compare it with the registry again.
  std::function<void(const PublicKey&)> recheck;
  // The interface admits no further peer.
  std::function<void(const std::string&)> cap_reached;
  // What became of an outbound call. Not told of one whose peer called meanwhile.
  std::function<void(const OutboundCall&, Verdict)> outbound_landed;
};

// How long decisions took, by what they waited for.
struct CoordinatorTimes {
  LatencyHistogram registry_lookup;        // answers and failures of the registry itself
  LatencyHistogram cache_lookup;           // answers out of the gateway's cache
  LatencyHistogram install;                // the call to the sniffer and back
  LatencyHistogram captured_to_installed;  // by the wall clock, from the kernel's time stamp on
};

struct CoordinatorOptions {
  GatewayIdentity identity;
  Completion completion = Completion::kSnifferDefault;
  std::chrono::milliseconds lookup_timeout{1000};
  std::size_t max_lookups = 1024;  // keys in flight, from event to installed
  InstallQueueLimits install;
};

// What the coordinator works with; each outlives it.
struct CoordinatorParts {
  const Clock& clock;
  SnifferLink& link;
  registry::Registry& registry;
  ReplayMemory& replay;
  PeerBook& book;
  InterfaceTable& interfaces;
  DecisionHub& decisions;
  CachedRegistry* cache = nullptr;  // the registry, if it is one: then decisions tell its answers'
                                    // age
};

// Thread-safe.
class Coordinator final : private InstallBatcher {
 public:
  Coordinator(const CoordinatorParts& parts, CoordinatorOptions options,
              CoordinatorCallbacks callbacks);
  // Stop().
  ~Coordinator() override;

  // One call at a time, of both together. What is decided at once goes to the sniffer together,
  // from this thread when a line is free.
  void OnEvents(const std::vector<HandshakeEvent>& events);
  void OnEvent(const HandshakeEvent& event);
  // Installs the peer to be called, by the same rules. One that is in flight already is left to
  // that; when half of the places are taken nothing is done, and its next packet asks again. Any
  // thread.
  void OnOutbound(const OutboundCall& call);
  // To be called before the key is reconciled.
  void OnRegistryChange(const registry::Change& change);

  // Refuses events from now on and waits for what is in flight: look-ups for their deadline at
  // most.
  void Stop();

  std::size_t in_flight() const;
  // Look-ups that the registry was asked for.
  std::uint64_t lookups() const { return lookups_.load(); }
  // Initiations that a newer one of the same key replaced while it was in flight.
  std::uint64_t superseded() const { return superseded_.load(); }
  // Decided, and waiting for a free line to the sniffer.
  std::size_t installs_waiting() const { return queue_.waiting(); }
  const CoordinatorTimes& times() const { return times_; }
  const CoordinatorOptions& options() const { return options_; }

 private:
  struct Flight {
    HandshakeEvent newest;
    std::optional<OutboundCall> outbound;  // as long as no initiation asks for the peer
    std::uint64_t sent_initiation = 0;
    bool registry_changed = false;
    SteadyTime started;
    SteadyTime asked;  // the last look-up
    SteadyTime looked_up;
    SteadyTime sent;
    std::optional<registry::Peer> peer;
    std::optional<std::chrono::seconds> cached_age;
  };

  void TakeEvent(const HandshakeEvent& event);

  enum class Boarding { kNew, kJoined, kReplay, kFull, kUnchecked };

  // Makes a flight for the event, or gives it to the flight of its key. kUnchecked: that one is an
  // outbound one, so that nobody has compared time stamps yet; do so, and say `is_fresh`.
  Boarding Board(const PeerId& id, const HandshakeEvent& event, bool is_fresh);
  bool BoardOutbound(const PeerId& id, const OutboundCall& call);
  // The time stamp was seen before, or it cannot be known: the verdict, else nullopt.
  std::optional<Verdict> CheckReplay(const HandshakeEvent& event, std::string& detail);
  using Found = Result<std::optional<registry::Peer>>;
  using Age = std::optional<std::chrono::seconds>;  // of an answer from the cache

  void LookUp(const PeerId& id);
  // The registry's answer, if it can be had on this thread and the registry is quick.
  std::optional<Found> TryFind(const PeerId& id);
  void OnAnswer(const PeerId& id, Found found, const Age& age);
  void OnFound(const PeerId& id, Found found);
  // The registry changed since the look-up began: look again. False: it did not.
  bool LookUpAgain(const PeerId& id);
  void Allow(const PeerId& id, registry::Peer peer);
  void Refuse(const PeerId& id, registry::Peer peer, Refusal refusal);
  // Takes the flight out, and tells what became of its newest initiation.
  void Land(const PeerId& id, Verdict verdict, const std::string& detail);
  void FinishOne(const PeerId& id, const PeerResult& result);
  // A newer initiation came while the peer was being installed: install for that one, too.
  bool SendAgain(const PeerId& id);
  void Publish(const HandshakeEvent& event, Verdict verdict, const std::string& detail);
  void PublishFlight(const Flight& flight, Verdict verdict, const std::string& detail);

  Result<std::vector<PeerSpec>> PrepareBatch(const std::string& interface,
                                             const std::vector<PublicKey>& keys) override;
  void FinishBatch(const std::string& interface, const std::vector<PublicKey>& keys,
                   Result<std::vector<PeerResult>> results) override;

  const CoordinatorParts parts_;
  const CoordinatorOptions options_;
  const CoordinatorCallbacks callbacks_;
  std::atomic<std::uint64_t> lookups_{0};
  std::atomic<std::uint64_t> superseded_{0};
  std::atomic<bool> reads_here_{true};  // look-ups need not be handed to the registry's threads
  CoordinatorTimes times_;
  LogLimiter refusals_;
  LogLimiter outages_;
  mutable std::mutex mutex_;
  std::condition_variable landed_;
  std::unordered_map<PeerId, Flight, PeerIdHash> flights_;
  std::size_t answers_due_ = 0;  // callbacks of the registry, not yet returned
  bool stopping_ = false;
  InstallQueue queue_;  // last: its thread uses the rest
};

}  // namespace jitwg::provisioner
