// See peer_table.h.
#include "sniffer/install/peer_table.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace jitwg::sniffer {
namespace {

std::vector<IpPrefix> Normalised(std::span<const IpPrefix> prefixes) {
  std::vector<IpPrefix> sorted(prefixes.begin(), prefixes.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

std::vector<IpPrefix> Union(const std::vector<IpPrefix>& one, const std::vector<IpPrefix>& other) {
  std::vector<IpPrefix> both(one);
  both.insert(both.end(), other.begin(), other.end());
  return Normalised(both);
}

// What a dump tells of the settings: all but the value of a preshared key.
std::optional<PeerSettings> SettingsOf(const KernelPeer& kernel) {
  if (kernel.has_preshared_key) return std::nullopt;
  return PeerSettings::Of(kernel.allowed_ips, kernel.persistent_keepalive, std::nullopt);
}

bool Agrees(const PeerSettings& settings, const KernelPeer& kernel,
            const std::vector<IpPrefix>& kernel_ips) {
  return settings.allowed_ips == kernel_ips &&
         settings.persistent_keepalive == kernel.persistent_keepalive &&
         (settings.preshared_key_hash != 0) == kernel.has_preshared_key;
}

}  // namespace

PeerSettings PeerSettings::Of(std::span<const IpPrefix> allowed_ips, std::uint16_t keepalive,
                              const std::optional<PresharedKey>& preshared_key) {
  PeerSettings settings{Normalised(allowed_ips), keepalive, 0};
  if (preshared_key && !preshared_key->IsZero()) {
    // Never 0, which means none.
    settings.preshared_key_hash = SeededHash(preshared_key->bytes()) | 1;
  }
  return settings;
}

Standing PeerTable::StandingOf(const PublicKey& key) const {
  if (own_.count(key) != 0) return Standing::kOwn;
  return foreign_.count(key) != 0 ? Standing::kForeign : Standing::kUnknown;
}

bool PeerTable::SurelyThere(const PublicKey& key) const {
  const auto own = own_.find(key);
  return own != own_.end() ? !own->second.doubtful : foreign_.count(key) != 0;
}

OwnPeer* PeerTable::FindOwn(const PublicKey& key) {
  const auto found = own_.find(key);
  return found == own_.end() ? nullptr : &found->second;
}

std::vector<PublicKey> PeerTable::OwnKeys() const {
  std::vector<PublicKey> keys;
  keys.reserve(own_.size());
  for (const auto& [key, own] : own_) keys.push_back(key);
  return keys;
}

void PeerTable::Clear() {
  for (const auto& [key, own] : own_) {
    if (own.endpoint) endpoints_.Remember(key, *own.endpoint);
  }
  own_.clear();
  foreign_.clear();
  index_.Clear();
  ++counter_;
}

void PeerTable::BeginInstall(const PublicKey& key, const PeerSettings& settings, SteadyTime now) {
  const auto [entry, is_new] = own_.try_emplace(key);
  OwnPeer& own = entry->second;
  if (is_new) own.installed_at = now;
  index_.Insert(settings.allowed_ips, key);
}

void PeerTable::FinishInstall(const PublicKey& key, PeerSettings settings) {
  OwnPeer& own = own_.at(key);
  index_.Erase(own.held, key);
  index_.Insert(settings.allowed_ips, key);
  own.held = settings.allowed_ips;
  own.settings = std::move(settings);
  own.doubtful = false;
  Touch(own);
}

void PeerTable::FailInstall(const PublicKey& key, const PeerSettings& wanted, bool was_new) {
  OwnPeer& own = own_.at(key);
  index_.Erase(wanted.allowed_ips, key);
  if (was_new && !own.doubtful) {
    Forget(key);
    return;
  }
  index_.Insert(own.held, key);
  own.settings.reset();
  Touch(own);
}

void PeerTable::DoubtInstall(const PublicKey& key, const PeerSettings& wanted) {
  OwnPeer& own = own_.at(key);
  own.settings.reset();
  own.doubtful = true;
  own.held.insert(own.held.end(), wanted.allowed_ips.begin(), wanted.allowed_ips.end());
  Touch(own);
}

void PeerTable::Adopt(const PublicKey& key, SteadyTime installed_at) {
  OwnPeer& own = own_[key];
  own.installed_at = installed_at;
}

void PeerTable::FinishRemove(const PublicKey& key) { Forget(key); }

void PeerTable::Forget(const PublicKey& key) {
  const auto found = own_.find(key);
  if (found == own_.end()) return;
  index_.Erase(found->second.held, key);
  if (found->second.endpoint) endpoints_.Remember(key, *found->second.endpoint);
  own_.erase(found);
  if (dumping_) removed_meanwhile_[key] = ++counter_;
}

void PeerTable::NoteTimestamp(const PublicKey& key, const Tai64n& timestamp) {
  OwnPeer* own = FindOwn(key);
  if (own == nullptr) return;
  if (!own->newest_timestamp || *own->newest_timestamp < timestamp) {
    own->newest_timestamp = timestamp;
  }
}

void PeerTable::BeginDump() {
  dumping_ = true;
  dump_began_ = counter_;
  ++dump_number_;
}

void PeerTable::EndDump() {
  dumping_ = false;
  removed_meanwhile_.clear();
}

void PeerTable::MergeOwn(OwnPeer& own, const KernelPeer& kernel, bool interrupted) {
  if (kernel.last_handshake && kernel.endpoint) own.endpoint = kernel.endpoint;
  if (NewerThanDump(own)) return;
  own.doubtful = false;
  auto held = Normalised(kernel.allowed_ips);
  if (!own.settings || !Agrees(*own.settings, kernel, held)) {
    own.settings = interrupted ? std::nullopt : SettingsOf(kernel);
  }
  if (interrupted) held = Union(held, own.held);
  if (held == own.held) return;
  index_.Erase(own.held, kernel.public_key);
  index_.Insert(held, kernel.public_key);
  own.held = std::move(held);
}

void PeerTable::MergeForeign(const KernelPeer& kernel, bool interrupted) {
  if (RemovedMeanwhile(kernel.public_key)) return;
  ForeignPeer& foreign = foreign_[kernel.public_key];
  foreign.seen = dump_number_;
  index_.Erase(foreign.held, kernel.public_key);
  foreign.held = interrupted ? Union(kernel.allowed_ips, foreign.held) : kernel.allowed_ips;
  index_.Insert(foreign.held, kernel.public_key);
}

std::vector<PublicKey> PeerTable::MergeDump(const PeerDump& dump) {
  std::unordered_set<PublicKey, PublicKeyHash> seen;
  for (const KernelPeer& kernel : dump.peers) {
    OwnPeer* own = FindOwn(kernel.public_key);
    if (own == nullptr) {
      MergeForeign(kernel, dump.interrupted);
      continue;
    }
    MergeOwn(*own, kernel, dump.interrupted);
    seen.insert(kernel.public_key);
  }
  std::vector<PublicKey> gone;
  if (dump.interrupted) return gone;
  for (const auto& [key, own] : own_) {
    if (seen.count(key) == 0 && !NewerThanDump(own)) gone.push_back(key);
  }
  for (const PublicKey& key : gone) Forget(key);
  for (auto entry = foreign_.begin(); entry != foreign_.end();) {
    if (entry->second.seen == dump_number_) {
      ++entry;
      continue;
    }
    index_.Erase(entry->second.held, entry->first);
    entry = foreign_.erase(entry);
  }
  return gone;
}

}  // namespace jitwg::sniffer
