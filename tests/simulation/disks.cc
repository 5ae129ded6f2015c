#include "tests/simulation/disks.h"

#include "provisioner/replay_store.h"
#include "provisioner/state_file.h"
#include "sniffer/install/own_set_journal.h"
#include "tests/simulation/scheduler.h"

namespace jitwg::simulation {
namespace {

Disk* current_disk = nullptr;

// A write takes a while, and may fail.
Status Write() {
  Scheduler& scheduler = *Scheduler::Current();
  if (scheduler.random().Chance(0.2)) {
    scheduler.Sleep(scheduler.random().Between(Nanos(10'000), Nanos(3'000'000)));
  }
  if (!scheduler.random().Chance(Disk::Current().full)) return {};
  Disk::Current().was_full = true;
  return Error{ErrorCode::kResourceExhausted, "no space left on the simulated disk"};
}

}  // namespace

Disk& Disk::Current() { return *current_disk; }
Disk::Disk() { current_disk = this; }
Disk::~Disk() { current_disk = nullptr; }

}  // namespace jitwg::simulation

namespace jitwg::provisioner {

using simulation::Disk;

struct ReplayStore::Handle {};
ReplayStore::ReplayStore(std::string path) : path_(std::move(path)) {}
ReplayStore::~ReplayStore() = default;

Result<std::unique_ptr<ReplayStore>> ReplayStore::Open(const std::string& directory) {
  if (Disk::Current().forgets_stamps) Disk::Current().stamps.clear();
  return std::unique_ptr<ReplayStore>(new ReplayStore(directory));
}

Result<std::optional<Tai64n>> ReplayStore::Find(const PublicKey& key) {
  const auto& stamps = Disk::Current().stamps;
  const auto found = stamps.find(key);
  return found == stamps.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<KeyStamp>> ReplayStore::List(std::size_t limit) {
  const auto& stamps = Disk::Current().stamps;
  if (stamps.size() <= limit) return std::vector<KeyStamp>(stamps.begin(), stamps.end());
  return std::vector<KeyStamp>(stamps.begin(), std::next(stamps.begin(), std::ptrdiff_t(limit)));
}

Status ReplayStore::Raise(const std::vector<KeyStamp>& stamps) {
  if (Status written = simulation::Write(); !written) return written;
  for (const auto& [key, stamp] : stamps) {
    auto [item, is_new] = Disk::Current().stamps.try_emplace(key, stamp);
    if (!is_new && item->second < stamp) item->second = stamp;
  }
  return {};
}

Result<bool> ReplayStore::Forget(const PublicKey& key) {
  if (Status written = simulation::Write(); !written) return written.error();
  return Disk::Current().stamps.erase(key) > 0;
}

Status ReplayStore::Repair(const Error& why, const std::vector<KeyStamp>&) { return why; }

Result<StateFile> StateFile::Open(const std::string& path, const StateFileKind&) {
  return StateFile(path, nullptr);
}

PeerCacheFile::PeerCacheFile(StateFile file, StateStatement find, StateStatement put,
                             StateStatement remove)
    : file_(std::move(file)),
      find_(std::move(find)),
      put_(std::move(put)),
      remove_(std::move(remove)) {}

Result<PeerCacheFile> PeerCacheFile::Open(const std::string& path) {
  static constexpr StateFileKind kKind{"peer cache", 0, 0, ""};
  auto file = StateFile::Open(path, kKind);
  if (!file) return file.error();
  return PeerCacheFile(std::move(*file), {}, {}, {});
}

Result<std::optional<CachedPeer>> PeerCacheFile::Find(const PublicKey& key) {
  const auto& cache = Disk::Current().cache;
  const auto found = cache.find(key);
  if (found == cache.end()) return std::optional<CachedPeer>();
  return std::optional(found->second.Clone());
}

Result<std::vector<CachedPeer>> PeerCacheFile::List(const registry::ListQuery& query) {
  std::vector<CachedPeer> page;
  for (const auto& [key, cached] : Disk::Current().cache) {
    if (page.size() >= query.limit) break;
    if (query.after && !(*query.after < key)) continue;
    if (query.pinned_only && !cached.peer.pinned) continue;
    if (!query.network.empty() && query.network != cached.peer.network) continue;
    page.push_back(cached.Clone());
  }
  return page;
}

Status PeerCacheFile::Write(const CacheChanges& changes, bool clear_first) {
  if (Status written = simulation::Write(); !written) return written;
  auto& cache = Disk::Current().cache;
  if (clear_first) cache.clear();
  for (const auto& [key, change] : changes) {
    cache.erase(key);
    if (change) cache.emplace(key, change->Clone());
  }
  return {};
}

Status PeerCacheFile::Trim(std::size_t) { return {}; }
Result<std::size_t> PeerCacheFile::Count() { return Disk::Current().cache.size(); }

Result<std::string> SetAside(const std::string& path, const std::string& suffix) {
  return path + suffix;
}

}  // namespace jitwg::provisioner

namespace jitwg::sniffer {

using simulation::Disk;
using simulation::JournalFile;

Result<JournalIdentity> CurrentIdentity(std::uint32_t ifindex, const PublicKey& public_key) {
  return JournalIdentity{"simulated", 1, ifindex, public_key};
}

OwnSetJournal::OwnSetJournal(std::string path, JournalIdentity identity)
    : path_(std::move(path)), identity_(std::move(identity)) {}
OwnSetJournal::~OwnSetJournal() = default;

// Whatever could not be written before goes with the next record, as in the real one.
Status OwnSetJournal::Rewrite() {
  if (Status written = simulation::Write(); !written) return written;
  JournalFile file{identity_, {}};
  for (const auto& [key, installed_at] : live_) file.own[key] = installed_at;
  Disk::Current().journal = std::move(file);
  return {};
}

Result<OwnSetJournal::Opened> OwnSetJournal::Open(const std::string& path,
                                                  const JournalIdentity& identity) {
  const auto& file = Disk::Current().journal;
  Opened opened;
  if (file && file->identity.SameObject(identity)) {
    for (const auto& [key, installed_at] : file->own) opened.own.push_back({key, installed_at});
  }
  if (const auto& claimed = Disk::Current().journal_claims) opened.own.push_back({*claimed, 0});
  opened.journal.reset(new OwnSetJournal(path, identity));
  if (const Status written = opened.journal->Reset(identity, opened.own); !written) {
    return written.error();
  }
  return opened;
}

Status OwnSetJournal::Add(std::span<const OwnRecord> records) {
  const auto before = live_;
  for (const OwnRecord& record : records) live_[record.public_key] = record.installed_at;
  Status written = Rewrite();
  if (!written) live_ = before;
  return written;
}

Status OwnSetJournal::Drop(std::span<const PublicKey> keys) {
  for (const PublicKey& key : keys) live_.erase(key);
  return Rewrite();
}

Status OwnSetJournal::Reset(const JournalIdentity& identity, std::span<const OwnRecord> own) {
  identity_ = identity;
  live_.clear();
  for (const OwnRecord& record : own) live_[record.public_key] = record.installed_at;
  return Rewrite();
}

Status OwnSetJournal::Rename(const JournalIdentity& identity) {
  identity_ = identity;
  return Rewrite();
}

}  // namespace jitwg::sniffer
