#include "provisioner/evictor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_set>

#include "provisioner/log_text.h"

namespace jitwg::provisioner {
namespace {

// Between two looks, however many newcomers are refused.
constexpr std::chrono::seconds kShortestRest{1};
constexpr std::chrono::seconds kLongestRest{30};
// Of the sniffer's cap this part is kept free while there are quiet peers to go.
constexpr std::size_t kRoomPart = 128;

}  // namespace

std::chrono::milliseconds EvictionPeriod(std::chrono::milliseconds interval,
                                         const EvictionLimits& limits) {
  return std::max(std::chrono::milliseconds(100), std::min(interval, limits.unfinished / 3));
}

std::chrono::milliseconds RestAfter(std::chrono::milliseconds taken) {
  return std::clamp<std::chrono::milliseconds>(taken * 9, kShortestRest, kLongestRest);
}

void Evictor::Run(std::chrono::milliseconds period, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto started = std::chrono::steady_clock::now();
    RunOnce(stop);
    const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started);
    const auto rest = RestAfter(taken);
    Rest(rest, std::max(period, rest), stop);
  }
}

void Evictor::Rest(std::chrono::milliseconds at_least, std::chrono::milliseconds at_most,
                   const std::stop_token& stop) {
  const auto began = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  wanted_.wait_until(lock, stop, began + std::min(at_least, at_most), [] { return false; });
  wanted_.wait_until(lock, stop, began + at_most, [this] { return !newcomers_.empty(); });
}

void Evictor::WantRoom(const std::string& interface) {
  if (!parts_.interfaces.Find(interface)) return;
  const std::lock_guard lock(mutex_);
  ++newcomers_[interface];
  wanted_.notify_all();
}

RoomWanted Evictor::TakeRoomWanted(const InterfaceState& state) {
  const std::lock_guard lock(mutex_);
  RoomWanted wanted{.cap = state.max_peers, .room = state.max_peers / kRoomPart};
  if (const auto refused = newcomers_.extract(state.interface)) {
    wanted.room = std::max(wanted.room, refused.mapped());
  }
  return wanted;
}

void Evictor::RunOnce(const std::stop_token& stop) {
  if (callbacks_.looks) callbacks_.looks();
  // A full disk is told, but ends nothing: revoked and expired peers go all the same.
  const Status flushed = parts_.replay.Flush();
  auto states = parts_.link.GetInterfaces(stop);
  if (!states) {
    if (!stop.stop_requested()) Report(states.error());
    return;
  }
  if (parts_.interfaces.Update(std::move(*states))) callbacks_.interfaces_changed();
  Status status = flushed;
  for (const auto& interface : parts_.interfaces.Present()) {
    const Status looked = LookAt(*interface, stop);
    if (!looked) status = looked;
  }
  if (!stop.stop_requested()) Report(status);
}

Status Evictor::LookAt(const InterfaceState& state, const std::stop_token& stop) {
  const std::string& interface = state.interface;
  const SteadyTime started = parts_.clock.SteadyNow();
  const auto list = parts_.link.List(interface, stop);
  if (!list) return list.error();
  const SteadyTime now = parts_.clock.SteadyNow();
  const Observation seen =
      parts_.book.Observe(interface, *list, started, now, parts_.clock.WallNow());
  if (callbacks_.listed) callbacks_.listed(interface, *list);
  if (callbacks_.observed) callbacks_.observed(interface, *list, seen);
  for (const EvictionCandidate& candidate : seen.candidates) {
    if (!candidate.known) callbacks_.unknown_peer(candidate.public_key);
  }
  for (const PublicKey& key : seen.missing_pinned) callbacks_.astray(key);
  for (const PublicKey& key : seen.altered) callbacks_.astray(key);
  const auto choices = SelectEvictions(seen.candidates, limits_, now, TakeRoomWanted(state));
  if (choices.empty()) return {};
  const bool remembered = RememberStamps(*list, choices);
  return parts_.remover.Remove(
      interface, choices,
      [&](const EvictionChoice& choice) {
        if (choice.reason == EvictionReason::kRevoked) return true;
        // What woke up since the list was read stays.
        return remembered && !parts_.book.NotedSince({interface, choice.public_key}, started);
      },
      stop);
}

bool Evictor::RememberStamps(const PeerList& list, const std::vector<EvictionChoice>& choices) {
  std::unordered_set<PublicKey, PublicKeyHash> leaving;
  for (const EvictionChoice& choice : choices) leaving.insert(choice.public_key);
  std::vector<KeyStamp> stamps;
  for (const PeerState& state : list.peers) {
    if (state.newest_timestamp && leaving.contains(state.public_key)) {
      stamps.emplace_back(state.public_key, *state.newest_timestamp);
    }
  }
  Status stored = parts_.replay.Raise(stamps);
  if (stored) stored = parts_.replay.Flush();
  if (!stored) Report(stored);
  return stored.has_value();
}

void Evictor::Report(const Status& status) {
  if (!status && !failing_) {
    spdlog::warn("eviction_stalled problem=\"{}\"", LogText(status.error().message));
  } else if (status && failing_) {
    spdlog::info("eviction_resumed");
  }
  failing_ = !status;
}

}  // namespace jitwg::provisioner
