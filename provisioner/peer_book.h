// What the provisioner knows of the peers that are installed: the registry's word on each, and when
// each was last seen active. Grows only with peers that the sniffer says are jitwg's own.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "provisioner/eviction.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

// Of a peer's addresses, preshared key and keepalive: equal settings, equal number, within one
// process. Keyed, so it tells nothing of the preshared key.
std::uint64_t SettingsDigest(const registry::Peer& peer);

// Thread-safe.
class PeerBook {
 public:
  // The peer is installed with these settings.
  void NoteInstalled(const PeerId& id, const registry::Peer& peer, SteadyTime now);
  // The registry's word on a peer that is installed, perhaps with other settings.
  void NoteRecord(const PeerId& id, const registry::Peer& peer);
  // The registry knows no such peer, and it is to stay for as long as it is in use.
  void NoteUnregistered(const PeerId& id);
  void NoteRemoved(const PeerId& id);
  // A sign of life that is newer than any list. Ignored when the peer is not in the book.
  void NoteActivity(const PeerId& id, SteadyTime now);

  // Takes in a list of one interface's peers, read from `started` on, and returns what eviction
  // needs to know of each. A peer that a whole list lacks is forgotten, unless it was noted after
  // `started`; one that an interrupted list lacks is kept.
  std::vector<EvictionCandidate> Observe(const std::string& interface, const PeerList& list,
                                         SteadyTime started, SteadyTime now, WallTime wall_now);

  // The digest of the settings it was installed with by this process; nullopt when not known.
  std::optional<std::uint64_t> InstalledDigest(const PeerId& id) const;
  bool Contains(const PeerId& id) const;
  // NoteInstalled or NoteActivity came at or after `time`.
  bool NotedSince(const PeerId& id, SteadyTime time) const;
  std::size_t size() const;

 private:
  struct Entry {
    bool known = false;
    bool pinned = false;
    std::optional<WallTime> expires_at;
    std::optional<std::uint64_t> digest;
    std::uint64_t rx_bytes = 0;
    SteadyTime installed_at;
    SteadyTime noted_at;  // by this process, not by a list
    SteadyTime last_activity;
    std::uint64_t seen_in_list = 0;
  };
  using Entries = std::unordered_map<PublicKey, Entry, PublicKeyHash>;

  Entry* Find(const PeerId& id);
  const Entry* Find(const PeerId& id) const;
  static void Merge(Entry& entry, const PeerState& state, bool is_new, SteadyTime now,
                    WallTime wall_now);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entries> interfaces_;
  std::uint64_t lists_ = 0;
};

}  // namespace jitwg::provisioner
