#include "provisioner/peer_book.h"

#include <sodium/utils.h>

#include <algorithm>
#include <iterator>

namespace jitwg::provisioner {
namespace {

// Longer than any list takes to be read and applied.
constexpr std::chrono::minutes kRememberRemoved{2};

void Append(std::vector<std::uint8_t>& bytes, std::span<const std::uint8_t> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

// How long ago; never negative, since a wall clock may step.
SteadyTime ToSteady(WallTime time, SteadyTime now, WallTime wall_now) {
  return time >= wall_now ? now : now - (wall_now - time);
}

std::uint64_t Digest(std::vector<IpPrefix> prefixes, std::uint16_t keepalive, bool has_secret,
                     std::span<const std::uint8_t> secret) {
  std::sort(prefixes.begin(), prefixes.end());
  std::vector<std::uint8_t> bytes;
  bytes.reserve(64 + prefixes.size() * 18);  // no growth: no copy of the secret is left behind
  bytes.push_back(static_cast<std::uint8_t>(keepalive >> 8));
  bytes.push_back(static_cast<std::uint8_t>(keepalive & 0xff));
  bytes.push_back(has_secret ? 1 : 0);
  Append(bytes, secret);
  for (const IpPrefix& prefix : prefixes) {
    bytes.push_back(static_cast<std::uint8_t>(prefix.length()));
    bytes.push_back(static_cast<std::uint8_t>(prefix.address().family()));
    Append(bytes, prefix.address().bytes());
  }
  const std::uint64_t digest = SeededHash(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return digest;
}

// What a list can tell of a peer's settings: all but the preshared key itself.
std::uint64_t ShapeOf(const registry::Peer& peer) {
  return Digest(peer.allowed_ips, peer.persistent_keepalive, peer.preshared_key.has_value(), {});
}
std::uint64_t ShapeOf(const PeerState& state) {
  return Digest(state.allowed_ips, state.persistent_keepalive, state.has_preshared_key, {});
}

}  // namespace

std::uint64_t SettingsDigest(const registry::Peer& peer) {
  return Digest(peer.allowed_ips, peer.persistent_keepalive, peer.preshared_key.has_value(),
                peer.preshared_key ? peer.preshared_key->bytes() : std::span<const std::uint8_t>());
}

void PeerBook::NoteInstalled(const PeerId& id, const registry::Peer& peer, SteadyTime now) {
  const std::uint64_t digest = SettingsDigest(peer);
  const std::lock_guard lock(mutex_);
  const auto [item, added] = interfaces_[id.interface].try_emplace(id.public_key);
  Entry& entry = item->second;
  if (added) entry.installed_at = now;
  entry.known = true;
  entry.pinned = peer.pinned;
  SetExpiry(entry, peer.expires_at);
  entry.digest = digest;
  entry.shape = ShapeOf(peer);
  entry.noted_at = now;
  entry.last_activity = now;
}

void PeerBook::NoteRecord(const PeerId& id, const registry::Peer& peer) {
  const std::lock_guard lock(mutex_);
  Entry* entry = Find(id);
  if (entry == nullptr) return;
  entry->known = true;
  entry->pinned = peer.pinned;
  entry->shape = ShapeOf(peer);
  SetExpiry(*entry, peer.expires_at);
}

void PeerBook::NoteUnregistered(const PeerId& id) {
  const std::lock_guard lock(mutex_);
  Entry* entry = Find(id);
  if (entry == nullptr) return;
  entry->known = true;
  entry->pinned = false;
  entry->shape.reset();
  entry->expires_at.reset();
}

void PeerBook::NoteUnreadable(const PeerId& id) {
  const std::lock_guard lock(mutex_);
  if (Entry* entry = Find(id)) entry->known = true;
}

void PeerBook::NoteRemoved(const PeerId& id, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (removed_.size() >= prune_removed_at_) {
    std::erase_if(removed_, [&](const auto& item) { return now - item.second > kRememberRemoved; });
    prune_removed_at_ = std::max<std::size_t>(1024, removed_.size() * 2);
  }
  removed_.insert_or_assign(id, now);
  const auto entries = interfaces_.find(id.interface);
  if (entries == interfaces_.end()) return;
  entries->second.erase(id.public_key);
  if (entries->second.empty()) interfaces_.erase(entries);
}

void PeerBook::NoteActivity(const PeerId& id, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  Entry* entry = Find(id);
  if (entry == nullptr) return;
  entry->last_activity = std::max(entry->last_activity, now);
  entry->noted_at = now;
}

Observation PeerBook::Observe(const std::string& interface, const PeerList& list,
                              SteadyTime started, SteadyTime now, WallTime wall_now) {
  Observation observation;
  observation.candidates.reserve(list.peers.size());
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = ++lists_;
  Entries& entries = interfaces_[interface];
  for (const PeerState& state : list.peers) {
    if (!state.own || RemovedSince({interface, state.public_key}, started)) continue;
    const auto [item, added] = entries.try_emplace(state.public_key);
    Entry& entry = item->second;
    Merge(entry, state, added, now, wall_now);
    entry.seen_in_list = number;
    if (IsAltered(entry, state, started)) observation.altered.push_back(state.public_key);
    observation.candidates.push_back({.public_key = state.public_key,
                                      .own = true,
                                      .known = entry.known,
                                      .pinned = entry.pinned,
                                      .expired = entry.expires_at && *entry.expires_at <= wall_now,
                                      .completed = state.last_handshake.has_value(),
                                      .installed_at = entry.installed_at,
                                      .last_activity = entry.last_activity});
  }
  observation.missing_pinned = ForgetUnseen(entries, list, number, started);
  if (entries.empty()) interfaces_.erase(interface);
  return observation;
}

std::vector<PublicKey> PeerBook::ForgetUnseen(Entries& entries, const PeerList& list,
                                              std::uint64_t list_number, SteadyTime started) {
  std::vector<PublicKey> missing_pinned;
  for (auto item = entries.begin(); item != entries.end();) {
    Entry& entry = item->second;
    const bool unseen = entry.seen_in_list != list_number && entry.noted_at < started;
    if (unseen && entry.pinned) {
      missing_pinned.push_back(item->first);
      entry.digest.reset();  // so that it is installed again even if it is only the list's fault
    }
    item = unseen && !list.interrupted ? entries.erase(item) : std::next(item);
  }
  return missing_pinned;
}

bool PeerBook::RemovedSince(const PeerId& id, SteadyTime time) const {
  if (removed_.empty()) return false;
  const auto removed = removed_.find(id);
  return removed != removed_.end() && removed->second >= time;
}

bool PeerBook::IsAltered(Entry& entry, const PeerState& state, SteadyTime started) {
  if (!entry.shape || entry.noted_at >= started || *entry.shape == ShapeOf(state)) return false;
  entry.digest.reset();  // it is not what it was installed with any more
  return true;
}

void PeerBook::Merge(Entry& entry, const PeerState& state, bool is_new, SteadyTime now,
                     WallTime wall_now) {
  const bool shows_life =
      entry.rx_bytes != state.rx_bytes || entry.last_handshake != state.last_handshake;
  // The sniffer's time counts: the peer may have been removed and installed again meanwhile.
  if (state.installed_for) {
    entry.installed_at = now - *state.installed_for;
  } else if (is_new) {
    entry.installed_at = now;
  }
  const bool never_listed = entry.seen_in_list == 0;
  if (never_listed && state.last_handshake) {
    // Its traffic before this list is not known: a session that can still live may be in use.
    const SteadyTime claimed = ToSteady(*state.last_handshake, now, wall_now);
    const bool may_live = now - claimed <= kSessionLife;
    entry.last_activity = std::max(entry.last_activity, may_live ? now : claimed);
  } else if (!never_listed && shows_life) {
    entry.last_activity = now;
  }
  entry.last_activity = std::max(entry.last_activity, entry.installed_at);
  entry.rx_bytes = state.rx_bytes;
  entry.last_handshake = state.last_handshake;
}

void PeerBook::SetExpiry(Entry& entry, std::optional<WallTime> expires_at) {
  entry.expires_at = expires_at;
  if (expires_at) next_expiry_ = std::min(next_expiry_.value_or(*expires_at), *expires_at);
}

std::vector<PeerId> PeerBook::Expired(WallTime wall_now) {
  std::vector<PeerId> expired;
  const std::lock_guard lock(mutex_);
  if (!next_expiry_ || *next_expiry_ > wall_now) return expired;
  next_expiry_.reset();
  for (const auto& [interface, entries] : interfaces_) {
    for (const auto& [key, entry] : entries) {
      if (!entry.expires_at) continue;
      if (*entry.expires_at <= wall_now) expired.push_back({interface, key});
      next_expiry_ = std::min(next_expiry_.value_or(*entry.expires_at), *entry.expires_at);
    }
  }
  return expired;
}

std::optional<std::uint64_t> PeerBook::InstalledDigest(const PeerId& id) const {
  const std::lock_guard lock(mutex_);
  const Entry* entry = Find(id);
  return entry == nullptr ? std::nullopt : entry->digest;
}

bool PeerBook::Contains(const PeerId& id) const {
  const std::lock_guard lock(mutex_);
  return Find(id) != nullptr;
}

bool PeerBook::NotedSince(const PeerId& id, SteadyTime time) const {
  const std::lock_guard lock(mutex_);
  const Entry* entry = Find(id);
  return entry != nullptr && entry->noted_at >= time;
}

std::size_t PeerBook::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t size = 0;
  for (const auto& [interface, entries] : interfaces_) size += entries.size();
  return size;
}

PeerBook::Entry* PeerBook::Find(const PeerId& id) {
  const auto entries = interfaces_.find(id.interface);
  if (entries == interfaces_.end()) return nullptr;
  const auto item = entries->second.find(id.public_key);
  return item == entries->second.end() ? nullptr : &item->second;
}

const PeerBook::Entry* PeerBook::Find(const PeerId& id) const {
  return const_cast<PeerBook*>(this)->Find(id);
}

}  // namespace jitwg::provisioner
