#include "provisioner/reconciler.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "provisioner/log_text.h"
#include "provisioner/pinned_walk.h"
#include "provisioner/reconcile_plan.h"
#include "provisioner/registry_batch.h"

namespace jitwg::provisioner {
namespace {

// How often peers are looked for whose expiry has come.
constexpr std::chrono::milliseconds kExpiryPeriod{500};

// Whether what the sniffer refused is worth another try: an address may become free, a fault may
// pass.
bool MayWorkLater(PeerOutcome outcome) {
  return outcome == PeerOutcome::kFailed || outcome == PeerOutcome::kRefusedAddressTaken ||
         outcome == PeerOutcome::kRefusedCap;
}

// What became of a removal: whoever could not be removed may go on using the gateway.
bool IsSettled(PeerOutcome outcome) {
  return outcome == PeerOutcome::kRemoved || outcome == PeerOutcome::kAbsent ||
         outcome == PeerOutcome::kRefusedForeign;
}

}  // namespace

void Reconciler::Run(const std::stop_token& stop) {
  std::thread passes([&] {
    while (queue_.TakePass(stop)) {
      if (RunAll(stop)) {
        queue_.PassSucceeded();
      } else {
        queue_.Retry({.all = true, .keys = {}});
      }
    }
  });
  while (!stop.stop_requested()) {
    queue_.WaitForKeys(std::chrono::steady_clock::now() + kExpiryPeriod, stop);
    RunUrgent(stop);
  }
  passes.join();
}

bool Reconciler::RunOnce(const std::stop_token& stop) {
  const ReconcileRequest request = queue_.TakeEverything();
  ReconcileRequest failed;
  {
    const std::lock_guard lock(working_);
    RunKeys({request.keys.begin(), request.keys.end()}, failed, stop);
    RemoveExpired(stop);
  }
  if (request.all && !RunAll(stop)) failed.all = true;
  const bool done = failed.empty();
  queue_.Retry(std::move(failed));
  return done;
}

void Reconciler::RunUrgent(const std::stop_token& stop) {
  const std::lock_guard lock(working_);
  // Taken under the lock: whoever gets it first does the work, and a pass cannot starve it.
  const ReconcileRequest request = queue_.TakeKeys();
  ReconcileRequest failed;
  RunKeys({request.keys.begin(), request.keys.end()}, failed, stop);
  queue_.Retry(std::move(failed));
  RemoveExpired(stop);
}

void Reconciler::RemoveExpired(const std::stop_token& stop) {
  std::map<std::string, std::vector<EvictionChoice>> choices;
  for (const PeerId& id : parts_.book.Expired(parts_.clock.WallNow())) {
    choices[id.interface].push_back({id.public_key, EvictionReason::kRevoked});
  }
  for (const auto& [interface, expired] : choices) {
    // What fails is still expired at the next look.
    static_cast<void>(parts_.remover.Remove(interface, expired, {}, stop));
  }
}

bool Reconciler::RunAll(const std::stop_token& stop) {
  auto states = parts_.link.GetInterfaces(stop);
  if (!states) return false;
  parts_.interfaces.Update(std::move(*states));
  bool done = true;
  for (const auto& interface : parts_.interfaces.Present()) {
    done &= RunInterface(interface->interface, stop);
  }
  return RunPinned(stop) && done;
}

bool Reconciler::RunInterface(const std::string& interface, const std::stop_token& stop) {
  const SteadyTime started = parts_.clock.SteadyNow();
  const auto list = parts_.link.List(interface, stop);
  if (!list) return false;
  Remember(*list);
  parts_.book.Observe(interface, *list, started, parts_.clock.SteadyNow(), parts_.clock.WallNow());
  std::vector<const PeerState*> chunk;
  bool done = true;
  for (const PeerState& state : list->peers) {
    if (stop.stop_requested()) return false;
    if (!state.own) continue;
    chunk.push_back(&state);
    if (chunk.size() < kChunk) continue;
    done &= RunPeers(interface, std::exchange(chunk, {}), stop);
  }
  return RunPeers(interface, chunk, stop) && done;
}

bool Reconciler::RunPeers(const std::string& interface, const std::vector<const PeerState*>& peers,
                          const std::stop_token& stop) {
  RunUrgent(stop);
  const std::lock_guard lock(working_);
  std::vector<PublicKey> keys;
  for (const PeerState* peer : peers) keys.push_back(peer->public_key);
  auto found = FindMany(parts_.registry, keys, options_.lookup_timeout);
  Work work;
  bool done = true;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (!found[i]) {
      done &= !NoteFailure(keys[i], found[i].error());  // ignorance is no reason to remove anybody
    } else if (*found[i] || options_.trust_absence) {
      Plan({interface, keys[i]}, peers[i], std::move(*found[i]), work);
    } else {
      parts_.book.NoteUnregistered({interface, keys[i]});
    }
  }
  return Apply(interface, std::move(work), stop) && done;
}

bool Reconciler::NoteFailure(const PublicKey& key, const Error& error) {
  if (error.code != ErrorCode::kDataLoss) return true;
  if (damaged_.Allow(key, parts_.clock.SteadyNow())) {
    spdlog::error(
        "registry_row_damaged key={} problem=\"{}\" effect=\"this peer stays as it is installed "
        "until the row is mended\"",
        key.ToBase64(), LogText(error.message));
  }
  for (const auto& interface : parts_.interfaces.Present()) {
    parts_.book.NoteUnreadable({interface->interface, key});
  }
  return false;
}

bool Reconciler::RunPinned(const std::stop_token& stop) {
  PinnedWalk walk(parts_.registry, options_.identity.network);
  while (!stop.stop_requested()) {
    const auto page = walk.Next();
    if (!page) return false;
    for (const PublicKey& damaged : walk.TakeDamaged()) {
      NoteFailure(damaged, {ErrorCode::kDataLoss, "the row of a pinned peer cannot be read"});
    }
    if (page->empty()) return true;
    if (!RunPinnedPage(*page, stop)) return false;
  }
  return false;
}

bool Reconciler::RunPinnedPage(const std::vector<registry::Peer>& page,
                               const std::stop_token& stop) {
  RunUrgent(stop);
  const std::lock_guard lock(working_);
  // What changed since the page was read may have been reconciled already, just now perhaps: only
  // what is read under the lock may be installed.
  const std::vector<PublicKey> missing = MissingPinned(page);
  const auto found = FindMany(parts_.registry, missing, options_.lookup_timeout);
  bool done = true;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (!found[i]) done &= !NoteFailure(missing[i], found[i].error());
  }
  for (const auto& interface : parts_.interfaces.Present()) {
    Work work;
    for (std::size_t i = 0; i < missing.size(); ++i) {
      if (found[i] && *found[i] && IsMissing(interface->interface, **found[i])) {
        work.installs.push_back((*found[i])->Clone());
      }
    }
    done &= Apply(interface->interface, std::move(work), stop);
  }
  return done;
}

std::vector<PublicKey> Reconciler::MissingPinned(const std::vector<registry::Peer>& page) const {
  std::vector<PublicKey> missing;
  const auto interfaces = parts_.interfaces.Present();
  for (const registry::Peer& peer : page) {
    const bool somewhere =
        std::any_of(interfaces.begin(), interfaces.end(),
                    [&](const auto& interface) { return IsMissing(interface->interface, peer); });
    if (somewhere) missing.push_back(peer.public_key);
  }
  return missing;
}

bool Reconciler::IsMissing(const std::string& interface, const registry::Peer& peer) const {
  if (!peer.pinned || parts_.book.Contains({interface, peer.public_key})) return false;
  const auto state = parts_.interfaces.Find(interface);
  return !CheckPolicy(peer, state.get(), options_.identity, parts_.clock.WallNow());
}

void Reconciler::RunKeys(const std::vector<PublicKey>& keys, ReconcileRequest& failed,
                         const std::stop_token& stop) {
  for (std::size_t from = 0; from < keys.size(); from += kChunk) {
    const auto count = std::min(kChunk, keys.size() - from);
    RunKeyChunk({keys.data() + from, keys.data() + from + count}, failed, stop);
  }
}

void Reconciler::RunKeyChunk(const std::vector<PublicKey>& chunk, ReconcileRequest& failed,
                             const std::stop_token& stop) {
  const auto found = FindMany(parts_.registry, chunk, options_.lookup_timeout);
  for (const auto& interface : parts_.interfaces.Present()) {
    Work work;
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      if (found[i]) PlanKey(interface->interface, chunk[i], *found[i], work);
    }
    const bool applied = Apply(interface->interface, std::move(work), stop);
    if (!applied) failed.keys.insert(chunk.begin(), chunk.end());
  }
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    if (!found[i] && NoteFailure(chunk[i], found[i].error())) failed.keys.insert(chunk[i]);
  }
}

void Reconciler::PlanKey(const std::string& interface, const PublicKey& key,
                         const std::optional<registry::Peer>& record, Work& work) {
  const PeerId id{interface, key};
  const bool may_stay = record && !Check(interface, record);
  // The book may not know of a peer yet; a removal that was not needed is cheap.
  const bool concerned = !may_stay || record->pinned || parts_.book.Contains(id);
  if (!concerned) return;
  Plan(id, nullptr, record ? std::optional(record->Clone()) : std::nullopt, work);
}

void Reconciler::Plan(const PeerId& id, const PeerState* listed,
                      std::optional<registry::Peer> record, Work& work) {
  if (record) parts_.book.NoteRecord(id, *record);
  const auto refusal = Check(id.interface, record);
  switch (PlanPeer(listed, parts_.book.InstalledDigest(id), record, refusal)) {
    case PeerAction::kLeave:
      break;
    case PeerAction::kRemove:
      work.removals.push_back({id.public_key, EvictionReason::kRevoked});
      break;
    case PeerAction::kInstall:
      work.installs.push_back(std::move(*record));
      break;
  }
}

std::optional<Refusal> Reconciler::Check(const std::string& interface,
                                         const std::optional<registry::Peer>& record) const {
  if (!record) return std::nullopt;
  const auto state = parts_.interfaces.Find(interface);
  return CheckPolicy(*record, state.get(), options_.identity, parts_.clock.WallNow());
}

bool Reconciler::Apply(const std::string& interface, Work work, const std::stop_token& stop) {
  // Removals first: they may free an address that an update wants.
  bool done = true;
  const auto note = [&done](const PeerResult& result) { done &= IsSettled(result.outcome); };
  done &= parts_.remover.Remove(interface, work.removals, {}, stop, note).has_value();
  std::vector<registry::Peer> batch;
  for (registry::Peer& peer : work.installs) {
    batch.push_back(std::move(peer));
    if (batch.size() == kMaxInstallBatch) done &= Install(interface, std::exchange(batch, {}));
  }
  return (batch.empty() || Install(interface, std::move(batch))) && done;
}

bool Reconciler::Install(const std::string& interface, std::vector<registry::Peer> peers) {
  const auto no_removals = parts_.remover.HoldRemovals();
  std::erase_if(peers, [&](const registry::Peer& peer) {
    return !peer.pinned && !parts_.book.Contains({interface, peer.public_key});
  });
  if (peers.empty()) return true;
  std::vector<PeerSpec> specs;
  specs.reserve(peers.size());
  for (const registry::Peer& peer : peers) specs.push_back(ToSpec(peer, 0));
  const auto results = InstallAndWait(parts_.link, interface, std::move(specs), Completion::kRetry);
  if (!results || results->size() != peers.size()) return false;
  bool done = true;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    done &= Installed(interface, peers[i], (*results)[i]);
  }
  return done;
}

bool Reconciler::Installed(const std::string& interface, const registry::Peer& peer,
                           const PeerResult& result) {
  const bool installed = result.outcome == PeerOutcome::kInstalled ||
                         result.outcome == PeerOutcome::kUpdated ||
                         result.outcome == PeerOutcome::kUnchanged;
  const SteadyTime now = parts_.clock.SteadyNow();
  if (!installed) {
    if (refused_.Allow(peer.public_key, now)) {
      spdlog::warn("peer_not_reconciled interface={} key={} name=\"{}\" problem=\"{}\"", interface,
                   peer.public_key.ToBase64(), LogText(peer.name), LogText(result.message));
    }
    return !MayWorkLater(result.outcome);
  }
  parts_.book.NoteInstalled({interface, peer.public_key}, peer, now);
  if (result.outcome != PeerOutcome::kUnchanged) {
    spdlog::info("peer_reconciled interface={} key={} name=\"{}\" outcome={}", interface,
                 peer.public_key.ToBase64(), LogText(peer.name),
                 result.outcome == PeerOutcome::kInstalled ? "installed" : "updated");
  }
  return true;
}

void Reconciler::Remember(const PeerList& list) {
  std::vector<KeyStamp> stamps;
  for (const PeerState& state : list.peers) {
    if (state.own && state.newest_timestamp) {
      stamps.emplace_back(state.public_key, *state.newest_timestamp);
    }
  }
  const Status stored = parts_.replay.Raise(stamps);
  if (!stored) {
    spdlog::error("replay_memory_not_written problem=\"{}\"", LogText(stored.error().message));
  }
}

}  // namespace jitwg::provisioner
