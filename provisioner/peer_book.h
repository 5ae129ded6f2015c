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

// What a list of one interface's peers means.
struct Observation {
  std::vector<EvictionCandidate> candidates;
  // Pinned peers that the list lacks: removed by others, unless the list was interrupted.
  std::vector<PublicKey> missing_pinned;
  // Peers whose addresses, keepalive or want of a preshared key are not the registry's word:
  // somebody else changed them, or an old call was carried out late.
  std::vector<PublicKey> altered;
};

// Thread-safe.
class PeerBook {
 public:
  // The peer is installed with these settings.
  void NoteInstalled(const PeerId& id, const registry::Peer& peer, SteadyTime now);
  // The registry's word on a peer that is installed, perhaps with other settings.
  void NoteRecord(const PeerId& id, const registry::Peer& peer);
  // The registry knows no such peer, and it is to stay for as long as it is in use.
  void NoteUnregistered(const PeerId& id);
  // Its record cannot be read. What was known of it still holds; else it may go when it is idle.
  void NoteUnreadable(const PeerId& id);
  // A list that was begun before `now` does not bring it back.
  void NoteRemoved(const PeerId& id, SteadyTime now);
  // A sign of life that is newer than any list. Ignored when the peer is not in the book.
  void NoteActivity(const PeerId& id, SteadyTime now);

  // Takes in a list of one interface's peers, read from `started` on. A peer that a whole list
  // lacks is forgotten, unless it was noted after `started`; one that an interrupted list lacks is
  // kept. A handshake or received bytes that differ from the list before are activity now, whatever
  // the wall clock says. A peer that is in a list for the first time is active now if its last
  // handshake's session can still live, for its traffic is not known; else as old as that claims.
  Observation Observe(const std::string& interface, const PeerList& list, SteadyTime started,
                      SteadyTime now, WallTime wall_now);

  // Those whose expiry has come. Cheap as long as there are none.
  std::vector<PeerId> Expired(WallTime wall_now);

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
    std::optional<std::uint64_t> shape;  // of the registry's word: what a list can tell of it
    std::optional<WallTime> last_handshake;
    std::uint64_t rx_bytes = 0;
    SteadyTime installed_at;
    SteadyTime noted_at;  // by this process, not by a list
    SteadyTime last_activity;
    std::uint64_t seen_in_list = 0;
  };
  using Entries = std::unordered_map<PublicKey, Entry, PublicKeyHash>;

  Entry* Find(const PeerId& id);
  const Entry* Find(const PeerId& id) const;
  void SetExpiry(Entry& entry, std::optional<WallTime> expires_at);
  bool RemovedSince(const PeerId& id, SteadyTime time) const;
  std::vector<PublicKey> ForgetUnseen(Entries& entries, const PeerList& list,
                                      std::uint64_t list_number, SteadyTime started);
  static bool IsAltered(Entry& entry, const PeerState& state, SteadyTime started);
  static void Merge(Entry& entry, const PeerState& state, bool is_new, SteadyTime now,
                    WallTime wall_now);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entries> interfaces_;
  std::unordered_map<PeerId, SteadyTime, PeerIdHash> removed_;  // not long ago
  std::size_t prune_removed_at_ = 1024;
  std::optional<WallTime> next_expiry_;  // no peer's expiry is earlier
  std::uint64_t lists_ = 0;
};

}  // namespace jitwg::provisioner
