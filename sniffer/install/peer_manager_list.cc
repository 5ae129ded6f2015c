// The reading side of peer_manager.h: start, lists, reconciliation with the kernel, changes of the
// interface.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "sniffer/install/peer_manager.h"

namespace jitwg::sniffer {
namespace {

// On a busy gateway nearly every dump is interrupted.
constexpr unsigned kMaxInterruptedInARow = 5;

}  // namespace

PeerManager::PeerManager(WireGuardDevice& device, const Clock& clock, PeerManagerOptions options)
    : device_(device),
      clock_(clock),
      interface_(std::move(options.interface)),
      policy_(std::move(options.policy)),
      table_(options.remembered_endpoints),
      journal_path_(std::move(options.journal_path)) {}

Result<std::unique_ptr<PeerManager>> PeerManager::Create(WireGuardDevice& device,
                                                         const Clock& clock,
                                                         PeerManagerOptions options) {
  auto info = device.GetDevice(options.interface);
  if (!info) return info.error();
  std::unique_ptr<PeerManager> manager(new PeerManager(device, clock, std::move(options)));
  manager->ifindex_ = info->ifindex;
  manager->interface_key_ = info->public_key;
  if (const Status loaded = manager->LoadJournal(); !loaded) return loaded.error();
  if (const Status read = manager->Refresh(); !read) return read.error();
  return manager;
}

// Claims what the journal has; the first list then drops what the kernel has not.
Status PeerManager::LoadJournal() {
  if (journal_path_.empty()) return {};
  const auto identity = CurrentIdentity(ifindex_, interface_key_);
  if (!identity) return identity.error();
  auto opened = OwnSetJournal::Open(journal_path_, *identity);
  if (!opened) return opened.error();
  if (!opened->warning.empty()) spdlog::warn("journal_damaged reason=\"{}\"", opened->warning);
  const auto wall_now = clock_.WallNow();
  const auto steady_now = clock_.SteadyNow();
  for (const OwnRecord& record : opened->own) {
    // Bounded to a century: the file's number may be any.
    const auto latest =
        std::chrono::duration_cast<std::chrono::seconds>(wall_now.time_since_epoch()).count();
    const std::chrono::seconds age(
        std::clamp<std::int64_t>(latest - std::clamp<std::int64_t>(record.installed_at, 0, latest),
                                 0, std::int64_t{100} * 365 * 86400));
    table_.Adopt(record.public_key, steady_now - age);
  }
  journal_ = std::move(opened->journal);
  return {};
}

Result<PeerList> PeerManager::List() { return ReadAndMerge(/*want_list=*/true); }

Status PeerManager::RefreshIfOlderThan(std::chrono::nanoseconds age) {
  {
    const std::lock_guard lock(state_mutex_);
    if (clock_.SteadyNow() - last_read_ < age) return {};
  }
  return Refresh();
}

Status PeerManager::Refresh() {
  const auto list = ReadAndMerge(/*want_list=*/false);
  if (!list) return list.error();
  return {};
}

ListedPeer PeerManager::Describe(KernelPeer peer, SteadyTime now) {
  ListedPeer listed;
  if (const OwnPeer* own = table_.FindOwn(peer.public_key)) {
    listed.own = true;
    listed.installed_for = now - own->installed_at;
    listed.newest_timestamp = own->newest_timestamp;
  }
  listed.peer = std::move(peer);
  return listed;
}

Result<PeerList> PeerManager::ReadAndMerge(bool want_list) {
  const std::lock_guard listing(list_mutex_);
  std::unique_lock changing(change_mutex_, std::defer_lock);
  // Where our own changes interrupt every reading, one that nothing of ours interrupts is due.
  if (interrupted_in_a_row_ >= kMaxInterruptedInARow) changing.lock();
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(state_mutex_);
    table_.BeginDump();
    generation = generation_;
  }
  auto dump = device_.DumpPeers(interface_);
  if (!changing.owns_lock()) changing.lock();
  interrupted_in_a_row_ = dump && dump->interrupted ? interrupted_in_a_row_ + 1 : 0;
  PeerList list;
  std::vector<PublicKey> gone;
  {
    const std::lock_guard lock(state_mutex_);
    if (!dump || generation != generation_) {
      table_.EndDump();
      if (!dump) return dump.error();
      return Error{ErrorCode::kAborted,
                   "interface '" + interface_ + "' changed while its peers were read: try again"};
    }
    gone = table_.MergeDump(*dump);
    list.interrupted = dump->interrupted;
    const SteadyTime now = clock_.SteadyNow();
    last_read_ = now;
    for (KernelPeer& peer : dump->peers) {
      if (!want_list || table_.RemovedMeanwhile(peer.public_key)) continue;
      list.peers.push_back(Describe(std::move(peer), now));
    }
    table_.EndDump();
  }
  DropFromJournal(gone);
  return list;
}

bool PeerManager::IsInstalled(const PublicKey& key) const {
  const std::lock_guard lock(state_mutex_);
  return table_.SurelyThere(key);
}

bool PeerManager::IsRouted(const IpAddress& address) const {
  const std::lock_guard lock(state_mutex_);
  return table_.index().Covers(address);
}

std::size_t PeerManager::remembered_endpoints() const {
  const std::lock_guard lock(state_mutex_);
  return table_.endpoints().size();
}

bool PeerManager::IsOwn(const PublicKey& key) const {
  const std::lock_guard lock(state_mutex_);
  return table_.StandingOf(key) == Standing::kOwn;
}

void PeerManager::NoteTimestamp(const PublicKey& key, const Tai64n& timestamp) {
  const std::lock_guard lock(state_mutex_);
  table_.NoteTimestamp(key, timestamp);
}

std::size_t PeerManager::own_count() const {
  const std::lock_guard lock(state_mutex_);
  return table_.own_count();
}

GuardPolicy PeerManager::policy() const {
  const std::lock_guard lock(state_mutex_);
  return policy_;
}

void PeerManager::SetAllowedPrefixes(std::vector<IpPrefix> prefixes) {
  const std::lock_guard lock(state_mutex_);
  policy_.allowed_prefixes = std::move(prefixes);
}

Status PeerManager::OnDeviceChanged(const DeviceInfo& info) {
  {
    const std::lock_guard changing(change_mutex_);
    bool replaced = false;
    {
      const std::lock_guard lock(state_mutex_);
      const bool same = info.ifindex == ifindex_ && info.public_key == interface_key_;
      if (same && in_step_) return {};
      in_step_ = false;
      if (info.ifindex != ifindex_) {
        table_.Clear();
        reset_pending_ = true;
      }
      replaced = reset_pending_;
      if (!same) ++generation_;
      ifindex_ = info.ifindex;
      interface_key_ = info.public_key;
    }
    if (journal_ != nullptr) {
      const auto identity = CurrentIdentity(info.ifindex, info.public_key);
      if (!identity) return identity.error();
      Status written = replaced ? journal_->Reset(*identity, {}) : journal_->Rename(*identity);
      if (!written) return written;
    }
  }
  if (Status read = Refresh(); !read) return read;
  const std::lock_guard lock(state_mutex_);
  in_step_ = true;
  reset_pending_ = false;
  return {};
}

}  // namespace jitwg::sniffer
