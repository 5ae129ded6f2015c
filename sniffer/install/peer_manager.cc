// See peer_manager.h. Installation and removal; the reading side is in peer_manager_list.cc.
#include "sniffer/install/peer_manager.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "sniffer/install/limits.h"

namespace jitwg::sniffer {
namespace {

// A removal holds the kernel's rtnl lock for 50 to 220 us.
constexpr std::size_t kRemovalBatch = 100;

std::int64_t UnixSeconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

constexpr const char* kNobodyAsked =
    "no packet for this peer was seen lately: installed only when one asks for it";
constexpr const char* kNobodyKnows = "it is not known where the peer is: it has to call first";

PeerChange ChangeFor(const InstallRequest& request, const PeerSettings& settings, bool is_new,
                     const std::optional<Endpoint>& endpoint, bool kick) {
  PeerChange change;
  change.kind = is_new ? PeerChange::Kind::kCreate : PeerChange::Kind::kUpdate;
  change.public_key = request.public_key;
  if (request.preshared_key) change.preshared_key = request.preshared_key->Clone();
  change.allowed_ips = settings.allowed_ips;
  change.persistent_keepalive = settings.persistent_keepalive;
  change.endpoint = endpoint;
  change.kick = kick;
  return change;
}

void SetFailed(const Error& error, PeerResult& result) {
  result.outcome = PeerOutcome::kFailed;
  result.message = error.message;
  result.error = error.code;
}

void SetGivenUp(const PublicKey& key, PeerResult& result) {
  result.public_key = key;
  SetFailed({ErrorCode::kAborted, "the caller gave the call up before it was carried out"}, result);
}

// One status for each change, also when the whole call failed.
std::vector<Status> Statuses(Result<std::vector<Status>> applied, std::size_t count) {
  if (!applied) return std::vector<Status>(count, Status(applied.error()));
  applied->resize(count, Error{ErrorCode::kInternal, "a change was left without a result"});
  return std::move(*applied);
}

}  // namespace

InstallResult PeerManager::Install(std::span<const InstallRequest> requests,
                                   const StillWanted& still_wanted) {
  InstallResult result;
  result.results.resize(requests.size());
  for (std::size_t next = 0; next < requests.size();) {
    const std::lock_guard changing(change_mutex_);
    if (still_wanted && !still_wanted()) {
      for (; next < requests.size(); ++next) {
        SetGivenUp(requests[next].public_key, result.results[next]);
      }
      break;
    }
    std::vector<Planned> planned;
    next = Plan(requests, next, result.results, planned);
    Carry(requests, std::move(planned), result.results);
  }
  return result;
}

void PeerManager::LogInstalled(const InstallResult& result) const {
  for (const PeerResult& peer : result.results) {
    if (peer.outcome == PeerOutcome::kInstalled || peer.outcome == PeerOutcome::kUpdated) {
      spdlog::info("peer_{} interface={} peer={}", ToString(peer.outcome), interface_,
                   peer.public_key.ToBase64());
    } else if (peer.outcome == PeerOutcome::kFailed) {
      spdlog::warn("peer_failed interface={} peer={} reason=\"{}\"", interface_,
                   peer.public_key.ToBase64(), peer.message);
    }
  }
}

// Decides from `first` on, as many as one call to the kernel carries. Stops before what depends on
// how the planned ones end: a key that comes twice, an address or a place that one of them may set
// free. Returns where it stopped.
std::size_t PeerManager::Plan(std::span<const InstallRequest> requests, std::size_t first,
                              std::vector<PeerResult>& results, std::vector<Planned>& planned) {
  std::unordered_set<PublicKey, PublicKeyHash> in_plan;
  const std::lock_guard lock(state_mutex_);
  std::size_t i = first;
  for (; i < requests.size() && planned.size() < kMaxChangesPerApply; ++i) {
    results[i].public_key = requests[i].public_key;
    if (in_plan.count(requests[i].public_key) != 0) break;
    if (PlanOne(requests[i], i, results[i], planned)) {
      in_plan.insert(requests[i].public_key);
    } else if (!planned.empty() && (results[i].outcome == PeerOutcome::kRefusedAddressTaken ||
                                    results[i].outcome == PeerOutcome::kRefusedCap)) {
      results[i].message.clear();
      break;
    }
  }
  return i;
}

bool PeerManager::PlanOne(const InstallRequest& request, std::size_t index, PeerResult& result,
                          std::vector<Planned>& planned) {
  const PublicKey& key = request.public_key;
  if (!in_step_) {
    result.outcome = PeerOutcome::kFailed;
    result.error = ErrorCode::kUnavailable;
    result.message = "the interface has just changed and its peers are not read yet: try again";
    return false;
  }
  const GuardQuestion question{key, request.allowed_ips, interface_key_, table_.StandingOf(key),
                               table_.own_count()};
  if (auto refusal = CheckInstall(policy_, question, table_.index())) {
    result.outcome = refusal->outcome;
    result.message = std::move(refusal->message);
    return false;
  }
  auto settings =
      PeerSettings::Of(request.allowed_ips, request.persistent_keepalive, request.preshared_key);
  const OwnPeer* own = table_.FindOwn(key);
  if (own != nullptr && own->settings == settings) {
    result.outcome = PeerOutcome::kUnchanged;
    if (request.newest_timestamp) table_.NoteTimestamp(key, *request.newest_timestamp);
    return false;
  }
  Planned plan{index, std::move(settings), own == nullptr || own->doubtful, ifindex_, {}, false};
  if (!PlanEndpoint(request, own, plan, result)) return false;
  table_.BeginInstall(key, plan.settings, clock_.SteadyNow());
  planned.push_back(std::move(plan));
  return true;
}

// A live session's endpoint is the client's business alone.
bool PeerManager::PlanEndpoint(const InstallRequest& request, const OwnPeer* own, Planned& plan,
                               PeerResult& result) const {
  if (!plan.is_new) return true;
  if (!request.outbound) {
    plan.endpoint = request.endpoint;
    plan.kick = request.endpoint && request.kick;
    return true;
  }
  if (own != nullptr) return true;
  const OutboundWish& wish = *request.outbound;
  plan.endpoint = table_.endpoints().Find(request.public_key);
  if (!plan.endpoint && wish.suggested_endpoint && IsCallable(*wish.suggested_endpoint)) {
    plan.endpoint = wish.suggested_endpoint;
  }
  plan.kick = true;
  if (wish.was_asked && plan.endpoint) return true;
  result.outcome = PeerOutcome::kNoEndpoint;
  result.message = wish.was_asked ? kNobodyKnows : kNobodyAsked;
  return false;
}

// The journal comes first: a crash in between leaves a key too many there, never one too few.
Status PeerManager::Journal(std::span<const InstallRequest> requests,
                            std::span<const Planned> planned) {
  if (journal_ == nullptr) return {};
  std::vector<OwnRecord> records;
  for (const Planned& plan : planned) {
    if (plan.is_new) {
      records.push_back({requests[plan.request].public_key, UnixSeconds(clock_.WallNow())});
    }
  }
  return records.empty() ? Status() : journal_->Add(records);
}

void PeerManager::Carry(std::span<const InstallRequest> requests, std::vector<Planned> planned,
                        std::vector<PeerResult>& results) {
  if (planned.empty()) return;
  const Status journalled = Journal(requests, planned);
  std::vector<Status> statuses;
  if (journalled) {
    std::vector<PeerChange> changes;
    for (const Planned& plan : planned) {
      changes.push_back(
          ChangeFor(requests[plan.request], plan.settings, plan.is_new, plan.endpoint, plan.kick));
    }
    statuses =
        Statuses(device_.Apply({interface_, planned.front().ifindex}, changes), planned.size());
  } else {
    // What could not be remembered would be nobody's after a restart.
    statuses.assign(planned.size(), journalled);
  }
  std::vector<PublicKey> forgotten;
  {
    const std::lock_guard lock(state_mutex_);
    for (std::size_t i = 0; i < planned.size(); ++i) {
      const InstallRequest& request = requests[planned[i].request];
      Settle(planned[i], request, statuses[i], results[planned[i].request]);
      if (table_.FindOwn(request.public_key) == nullptr) forgotten.push_back(request.public_key);
    }
  }
  if (journalled) DropFromJournal(forgotten);
}

void PeerManager::Settle(Planned& planned, const InstallRequest& request, const Status& status,
                         PeerResult& result) {
  const PublicKey& key = request.public_key;
  if (status) {
    result.outcome = planned.is_new ? PeerOutcome::kInstalled : PeerOutcome::kUpdated;
    table_.FinishInstall(key, std::move(planned.settings));
    if (request.newest_timestamp) table_.NoteTimestamp(key, *request.newest_timestamp);
    return;
  }
  SetFailed(status.error(), result);
  if (status.error().code == ErrorCode::kDeadlineExceeded) {
    table_.DoubtInstall(key, planned.settings);
  } else {
    table_.FailInstall(key, planned.settings, planned.is_new);
  }
}

void PeerManager::DropFromJournal(std::span<const PublicKey> keys) {
  if (journal_ == nullptr || keys.empty()) return;
  if (const Status dropped = journal_->Drop(keys); !dropped) {
    spdlog::warn("journal_failed interface={} reason=\"{}\"", interface_, dropped.error().message);
  }
}

RemoveResult PeerManager::Remove(std::span<const PublicKey> keys, const StillWanted& still_wanted) {
  RemoveResult result;
  result.results.resize(keys.size());
  for (std::size_t first = 0; first < keys.size(); first += kRemovalBatch) {
    const std::size_t count = std::min(kRemovalBatch, keys.size() - first);
    RemoveBatch(keys.subspan(first, count), std::span(result.results).subspan(first, count),
                still_wanted);
  }
  for (const PeerResult& peer : result.results) {
    if (peer.outcome == PeerOutcome::kRemoved) {
      spdlog::info("peer_removed interface={} peer={}", interface_, peer.public_key.ToBase64());
    } else if (peer.outcome == PeerOutcome::kFailed) {
      spdlog::warn("peer_removal_failed interface={} peer={} reason=\"{}\"", interface_,
                   peer.public_key.ToBase64(), peer.message);
    }
  }
  return result;
}

void PeerManager::RemoveBatch(std::span<const PublicKey> keys, std::span<PeerResult> results,
                              const StillWanted& still_wanted) {
  const std::lock_guard changing(change_mutex_);
  if (still_wanted && !still_wanted()) {
    for (std::size_t i = 0; i < keys.size(); ++i) SetGivenUp(keys[i], results[i]);
    return;
  }
  std::vector<PeerChange> changes;
  std::vector<PeerResult*> asked;
  unsigned ifindex = 0;
  {
    const std::lock_guard lock(state_mutex_);
    ifindex = ifindex_;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      results[i].public_key = keys[i];
      const Standing standing = table_.StandingOf(keys[i]);
      if (standing == Standing::kForeign) {
        results[i].outcome = PeerOutcome::kRefusedForeign;
        results[i].message =
            "jitwg did not install the peer: remove it by hand (wg set ... remove)";
      } else if (standing == Standing::kUnknown) {
        results[i].outcome = PeerOutcome::kAbsent;
      } else {
        changes.emplace_back();
        changes.back().kind = PeerChange::Kind::kRemove;
        changes.back().public_key = keys[i];
        asked.push_back(&results[i]);
      }
    }
  }
  if (changes.empty()) return;
  const auto statuses = Statuses(device_.Apply({interface_, ifindex}, changes), changes.size());
  std::vector<PublicKey> removed;
  {
    const std::lock_guard lock(state_mutex_);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      SettleRemoval(statuses[i], *asked[i], removed);
    }
  }
  DropFromJournal(removed);
}

void PeerManager::SettleRemoval(const Status& status, PeerResult& result,
                                std::vector<PublicKey>& removed) {
  if (!status) {
    SetFailed(status.error(), result);
    return;
  }
  // The second time that a key is in the list it is gone.
  const bool first_time = table_.FindOwn(result.public_key) != nullptr;
  result.outcome = first_time ? PeerOutcome::kRemoved : PeerOutcome::kAbsent;
  table_.FinishRemove(result.public_key);
  removed.push_back(result.public_key);
}

}  // namespace jitwg::sniffer
