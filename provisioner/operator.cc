#include "provisioner/operator.h"

#include <spdlog/spdlog.h>

#include <future>
#include <memory>
#include <unordered_map>
#include <utility>

namespace jitwg::provisioner {
namespace {

bool IsMeant(const EvictionCandidate& peer, const EvictionWish& wish, SteadyTime now) {
  if (wish.key) return peer.public_key == *wish.key;
  if (wish.idle_for) return now - peer.last_activity > *wish.idle_for;
  return wish.all;
}

}  // namespace

Result<std::optional<registry::Peer>> Operator::Find(const PublicKey& key,
                                                     std::optional<std::chrono::seconds>& age) {
  struct Answer {
    Result<std::optional<registry::Peer>> found;
    std::optional<std::chrono::seconds> age;
  };
  // Shared: the registry's thread may still be inside set_value when the answer is read.
  const auto promise = std::make_shared<std::promise<Answer>>();
  auto future = promise->get_future();
  if (parts_.cache != nullptr) {
    parts_.cache->LookUp(key, lookup_timeout_,
                         [promise](Result<std::optional<registry::Peer>> found,
                                   std::optional<std::chrono::seconds> cached_age) {
                           promise->set_value({std::move(found), cached_age});
                         });
  } else {
    parts_.registry.Find(key, lookup_timeout_,
                         [promise](Result<std::optional<registry::Peer>> found) {
                           promise->set_value({std::move(found), std::nullopt});
                         });
  }
  Answer answer = future.get();
  age = answer.age;
  return std::move(answer.found);
}

std::string Operator::VerdictFor(const Result<std::optional<registry::Peer>>& record,
                                 const InterfaceState& interface) const {
  if (!record) return std::string(ToString(Verdict::kRegistryUnavailable));
  if (!*record) return std::string(ToString(Verdict::kUnknownKey));
  const auto refusal = CheckPolicy(**record, &interface, identity_, parts_.clock.WallNow());
  return refusal ? std::string(ToString(*refusal)) : "allowed";
}

Explanation Operator::Explain(const PublicKey& key, const std::stop_token& stop) {
  Explanation explanation;
  explanation.record = Find(key, explanation.cached_age);
  explanation.newest_timestamp = parts_.replay.Newest(key);
  explanation.decisions = parts_.decisions.history().Of(key, kDecisions);
  const auto states = parts_.link.GetInterfaces(stop);
  if (!states) explanation.listed = states.error();
  if (!states) return explanation;
  for (const InterfaceState& state : *states) {
    InterfaceView view{state.interface, VerdictFor(explanation.record, state), std::nullopt};
    const auto list = parts_.link.List(state.interface, stop);
    if (!list) explanation.listed = list.error();
    for (std::size_t i = 0; list && i < list->peers.size(); ++i) {
      if (list->peers[i].public_key == key) view.installed = list->peers[i];
    }
    explanation.interfaces.push_back(std::move(view));
  }
  return explanation;
}

Result<EvictionOutcome> Operator::Evict(const EvictionWish& wish, const std::stop_token& stop) {
  const int wishes = (wish.key ? 1 : 0) + (wish.idle_for ? 1 : 0) + (wish.all ? 1 : 0);
  if (wishes != 1) {
    return Error{ErrorCode::kInvalidArgument, "name one of: a public key, an idle time, all"};
  }
  const auto states = parts_.link.GetInterfaces(stop);
  if (!states) return states.error();
  EvictionOutcome outcome;
  bool is_served = wish.interface.empty();
  for (const InterfaceState& state : *states) {
    if (!wish.interface.empty() && state.interface != wish.interface) continue;
    is_served = true;
    if (!state.present) continue;
    const Status evicted = EvictFrom(state.interface, wish, outcome.peers, stop);
    if (!evicted) outcome.status = evicted;
  }
  if (!is_served)
    return Error{ErrorCode::kNotFound, "interface " + wish.interface + " is not served"};
  return outcome;
}

Status Operator::EvictFrom(const std::string& interface, const EvictionWish& wish,
                           std::vector<EvictedPeer>& peers, const std::stop_token& stop) {
  const SteadyTime started = parts_.clock.SteadyNow();
  const auto list = parts_.link.List(interface, stop);
  if (!list) return list.error();
  const SteadyTime now = parts_.clock.SteadyNow();
  const Observation seen =
      parts_.book.Observe(interface, *list, started, now, parts_.clock.WallNow());
  for (const PublicKey& key : seen.missing_pinned) {
    if (parts_.missing_pinned) parts_.missing_pinned(key);
  }
  std::vector<EvictionChoice> choices;
  std::unordered_map<PublicKey, bool, PublicKeyHash> pinned;
  for (const EvictionCandidate& peer : seen.candidates) {
    if (!IsMeant(peer, wish, now)) continue;
    choices.push_back({peer.public_key, EvictionReason::kOperator});
    pinned.emplace(peer.public_key, peer.pinned);
  }
  std::vector<KeyStamp> stamps;
  for (const PeerState& state : list->peers) {
    if (state.newest_timestamp && pinned.contains(state.public_key)) {
      stamps.emplace_back(state.public_key, *state.newest_timestamp);
    }
  }
  if (Status stored = parts_.replay.Raise(stamps); !stored) return stored;
  if (Status flushed = parts_.replay.Flush(); !flushed) return flushed;
  return parts_.remover.Remove(interface, choices, {}, stop, [&](const PeerResult& result) {
    peers.push_back({{interface, result.public_key},
                     result.outcome,
                     result.message,
                     pinned[result.public_key]});
  });
}

Result<std::optional<Tai64n>> Operator::ForgetTimestamp(const PublicKey& key) {
  auto forgotten = parts_.replay.Forget(key);
  if (forgotten && *forgotten) {
    spdlog::warn(
        "timestamp_forgotten key={} stamp={} effect=\"an initiation captured from this key earlier "
        "could be replayed once, until its owner connects again\"",
        key.ToBase64(), (*forgotten)->ToUtc());
  }
  return forgotten;
}

}  // namespace jitwg::provisioner
