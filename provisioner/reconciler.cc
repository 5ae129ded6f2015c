#include "provisioner/reconciler.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "provisioner/log_text.h"
#include "provisioner/reconcile_plan.h"
#include "provisioner/registry_batch.h"

namespace jitwg::provisioner {

namespace {

// Whether what the sniffer refused is worth another try: an address may become free, a fault may
// pass.
bool MayWorkLater(PeerOutcome outcome) {
  return outcome == PeerOutcome::kFailed || outcome == PeerOutcome::kRefusedAddressTaken ||
         outcome == PeerOutcome::kRefusedCap;
}

}  // namespace

void Reconciler::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const ReconcileRequest request = queue_.Take(stop);
    if (!request.empty()) Do(request, stop);
  }
}

bool Reconciler::RunOnce(const std::stop_token& stop) { return Do(queue_.TakeEverything(), stop); }

bool Reconciler::Do(const ReconcileRequest& request, const std::stop_token& stop) {
  ReconcileRequest failed;
  RunKeys({request.keys.begin(), request.keys.end()}, failed, stop);
  if (request.all && !RunAll(stop)) failed.all = true;
  const bool done = failed.empty();
  queue_.Retry(std::move(failed));
  return done;
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
  std::vector<PublicKey> keys;
  for (const PeerState* peer : peers) keys.push_back(peer->public_key);
  auto found = FindMany(parts_.registry, keys, options_.lookup_timeout);
  Work work;
  bool done = true;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (!found[i]) {
      done = false;  // ignorance is no reason to remove anybody
    } else if (*found[i] || options_.trust_absence) {
      Plan({interface, keys[i]}, peers[i], std::move(*found[i]), work);
    } else {
      parts_.book.NoteUnregistered({interface, keys[i]});
    }
  }
  return Apply(interface, std::move(work), stop) && done;
}

bool Reconciler::RunPinned(const std::stop_token& stop) {
  registry::ListQuery query;
  query.network = options_.identity.network;
  query.pinned_only = true;
  query.limit = 100;
  while (!stop.stop_requested()) {
    auto page = parts_.registry.List(query);
    if (!page) return false;
    if (page->empty()) return true;
    query.after = page->back().public_key;
    const bool last = page->size() < query.limit;
    if (!RunPinnedPage(*page, stop)) return false;
    if (last) return true;
  }
  return false;
}

bool Reconciler::RunPinnedPage(const std::vector<registry::Peer>& page,
                               const std::stop_token& stop) {
  bool done = true;
  for (const auto& interface : parts_.interfaces.Present()) {
    Work work;
    for (const registry::Peer& peer : page) {
      const PeerId id{interface->interface, peer.public_key};
      const auto refusal =
          CheckPolicy(peer, interface.get(), options_.identity, parts_.clock.WallNow());
      if (!refusal && !parts_.book.Contains(id)) work.installs.push_back(peer.Clone());
    }
    done &= Apply(interface->interface, std::move(work), stop);
  }
  return done;
}

void Reconciler::RunKeys(const std::vector<PublicKey>& keys, ReconcileRequest& failed,
                         const std::stop_token& stop) {
  for (std::size_t from = 0; from < keys.size(); from += kChunk) {
    const auto count = std::min(kChunk, keys.size() - from);
    const std::vector<PublicKey> chunk(keys.data() + from, keys.data() + from + count);
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
      if (!found[i]) failed.keys.insert(chunk[i]);
    }
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
  const Status removed = parts_.remover.Remove(interface, work.removals, {}, stop);
  bool done = removed.has_value();
  std::vector<registry::Peer> batch;
  for (registry::Peer& peer : work.installs) {
    batch.push_back(std::move(peer));
    if (batch.size() == kMaxInstallBatch) done &= Install(interface, std::exchange(batch, {}));
  }
  return (batch.empty() || Install(interface, std::move(batch))) && done;
}

bool Reconciler::Install(const std::string& interface, std::vector<registry::Peer> peers) {
  std::vector<PeerSpec> specs;
  specs.reserve(peers.size());
  for (const registry::Peer& peer : peers) specs.push_back(ToSpec(peer, 0));
  const auto results = InstallAndWait(parts_.link, interface, std::move(specs), Completion::kRetry);
  if (!results || results->size() != peers.size()) return false;
  bool done = true;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const PeerResult& result = (*results)[i];
    const bool installed = result.outcome == PeerOutcome::kInstalled ||
                           result.outcome == PeerOutcome::kUpdated ||
                           result.outcome == PeerOutcome::kUnchanged;
    const auto key = peers[i].public_key.ToBase64();
    if (!installed) {
      spdlog::warn("peer_not_reconciled interface={} key={} name=\"{}\" problem=\"{}\"", interface,
                   key, LogText(peers[i].name), LogText(result.message));
      done &= !MayWorkLater(result.outcome);
      continue;
    }
    parts_.book.NoteInstalled({interface, peers[i].public_key}, peers[i], parts_.clock.SteadyNow());
    if (result.outcome == PeerOutcome::kUnchanged) continue;
    spdlog::info("peer_reconciled interface={} key={} name=\"{}\" outcome={}", interface, key,
                 LogText(peers[i].name),
                 result.outcome == PeerOutcome::kInstalled ? "installed" : "updated");
  }
  return done;
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
