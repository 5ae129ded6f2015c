// Keeps what is installed in step with the registry: everything after a (re)connection to the
// sniffer, single keys when the registry tells of a change. Where the registry cannot answer, the
// peer is left alone.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "provisioner/interface_table.h"
#include "provisioner/log_limiter.h"
#include "provisioner/peer_book.h"
#include "provisioner/peer_remover.h"
#include "provisioner/policy.h"
#include "provisioner/reconcile_queue.h"
#include "provisioner/replay_memory.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

struct ReconcilerOptions {
  GatewayIdentity identity;
  std::chrono::milliseconds lookup_timeout{1000};
  std::chrono::milliseconds retry_delay{5000};   // after a failure
  std::chrono::milliseconds full_spacing{1000};  // between two passes over everything
  // False: a full pass puts nobody out for not being in the registry; a change notice of the key
  // still does.
  bool trust_absence = true;
};

// Each outlives the reconciler.
struct ReconcilerParts {
  const Clock& clock;
  SnifferLink& link;
  registry::Registry& registry;
  ReplayMemory& replay;
  PeerBook& book;
  InterfaceTable& interfaces;
  PeerRemover& remover;
};

class Reconciler {
 public:
  static constexpr std::size_t kChunk = 256;  // look-ups at the same time

  Reconciler(const ReconcilerParts& parts, ReconcilerOptions options)
      : parts_(parts),
        options_(std::move(options)),
        queue_(options_.full_spacing, options_.retry_delay) {}

  // Both thread-safe, and only take note.
  void RequestAll() { queue_.AddAll(); }
  void Request(const PublicKey& key) { queue_.Add(key); }

  // Does what was requested so far. False: some of it failed and will be tried again.
  bool RunOnce(const std::stop_token& stop);
  // Does what is requested, as soon as it is due, until `stop`; keys on the caller's thread,
  // everything on another, so that a revocation does not wait for a pass to end.
  void Run(const std::stop_token& stop);

 private:
  struct Work {
    std::vector<EvictionChoice> removals;
    std::vector<registry::Peer> installs;
  };

  // The keys that are due, and the peers whose expiry has come.
  void RunUrgent(const std::stop_token& stop);
  void RemoveExpired(const std::stop_token& stop);
  bool RunAll(const std::stop_token& stop);
  bool RunInterface(const std::string& interface, const std::stop_token& stop);
  bool RunPeers(const std::string& interface, const std::vector<const PeerState*>& peers,
                const std::stop_token& stop);
  bool RunPinned(const std::stop_token& stop);
  // Pinned peers that should be in, by the page's word, on one interface at least.
  std::vector<PublicKey> MissingPinned(const std::vector<registry::Peer>& page) const;
  bool IsMissing(const std::string& interface, const registry::Peer& peer) const;
  bool RunPinnedPage(const std::vector<registry::Peer>& page, const std::stop_token& stop);
  // Adds the keys for which it failed to `failed`.
  void RunKeys(const std::vector<PublicKey>& keys, ReconcileRequest& failed,
               const std::stop_token& stop);
  void RunKeyChunk(const std::vector<PublicKey>& chunk, ReconcileRequest& failed,
                   const std::stop_token& stop);
  // The look-up failed. True: it is worth another try. A row that makes no sense is not: it is
  // told once, and the peer is left as it is.
  bool NoteFailure(const PublicKey& key, const Error& error);
  void PlanKey(const std::string& interface, const PublicKey& key,
               const std::optional<registry::Peer>& record, Work& work);
  void Plan(const PeerId& id, const PeerState* listed, std::optional<registry::Peer> record,
            Work& work);
  bool Apply(const std::string& interface, Work work, const std::stop_token& stop);
  // Those that are pinned or, by the book, still there.
  bool Install(const std::string& interface, std::vector<registry::Peer> peers);
  // False: worth another try.
  bool Installed(const std::string& interface, const registry::Peer& peer,
                 const PeerResult& result);
  std::optional<Refusal> Check(const std::string& interface,
                               const std::optional<registry::Peer>& record) const;
  void Remember(const PeerList& list);

  const ReconcilerParts parts_;
  const ReconcilerOptions options_;
  ReconcileQueue queue_;
  LogLimiter damaged_{32, std::chrono::hours(24 * 365)};
  LogLimiter refused_;
  // From a look-up to what follows from it: keys and passes must not overtake one another.
  std::mutex working_;
};

}  // namespace jitwg::provisioner
