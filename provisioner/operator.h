// What a person may ask of a running gateway: why a key gets in or not, put peers out, forget a
// time stamp. Knows no transport.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "provisioner/cached_registry.h"
#include "provisioner/decisions.h"
#include "provisioner/peer_book.h"
#include "provisioner/peer_remover.h"
#include "provisioner/policy.h"
#include "provisioner/replay_memory.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

// Each outlives the operator.
struct OperatorParts {
  const Clock& clock;
  SnifferLink& link;
  registry::Registry& registry;
  ReplayMemory& replay;
  PeerBook& book;
  PeerRemover& remover;
  const DecisionHub& decisions;
  CachedRegistry* cache = nullptr;  // the registry, if it is one
  // Told of pinned peers that a list lacks; must not block.
  std::function<void(const PublicKey&)> missing_pinned;
};

struct InterfaceView {
  std::string interface;
  std::string verdict;  // "allowed", or why not
  std::optional<PeerState> installed;
};

struct Explanation {
  Result<std::optional<registry::Peer>> record;
  std::optional<std::chrono::seconds> cached_age;
  std::vector<InterfaceView> interfaces;
  std::vector<Decision> decisions;  // newest first
  Result<std::optional<Tai64n>> newest_timestamp;
  Status listed;  // why the interfaces could not be
};

// Exactly one of key, idle_for and all.
struct EvictionWish {
  std::optional<PublicKey> key;
  std::optional<std::chrono::nanoseconds> idle_for;
  bool all = false;
  std::string interface;  // empty: every one
};

struct EvictedPeer {
  PeerId id;
  PeerOutcome outcome = PeerOutcome::kUnspecified;
  std::string message;
  bool pinned = false;
};

struct EvictionOutcome {
  std::vector<EvictedPeer> peers;  // one for each that was tried
  Status status;                   // why others were not
};

// Thread-safe; every call blocks.
class Operator {
 public:
  static constexpr std::size_t kDecisions = 10;

  Operator(const OperatorParts& parts, GatewayIdentity identity,
           std::chrono::milliseconds lookup_timeout)
      : parts_(parts), identity_(std::move(identity)), lookup_timeout_(lookup_timeout) {}

  Explanation Explain(const PublicKey& key, const std::stop_token& stop);

  // kInvalidArgument: a wish of another form. Stamps of those who leave are remembered first;
  // without that nobody leaves.
  Result<EvictionOutcome> Evict(const EvictionWish& wish, const std::stop_token& stop);

  // What was forgotten. Logged, since it opens a gap.
  Result<std::optional<Tai64n>> ForgetTimestamp(const PublicKey& key);

 private:
  Result<std::optional<registry::Peer>> Find(const PublicKey& key,
                                             std::optional<std::chrono::seconds>& age);
  std::string VerdictFor(const Result<std::optional<registry::Peer>>& record,
                         const InterfaceState& interface) const;
  Status EvictFrom(const std::string& interface, const EvictionWish& wish,
                   std::vector<EvictedPeer>& peers, const std::stop_token& stop);

  const OperatorParts parts_;
  const GatewayIdentity identity_;
  const std::chrono::milliseconds lookup_timeout_;
};

}  // namespace jitwg::provisioner
