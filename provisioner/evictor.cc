#include "provisioner/evictor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_set>

#include "provisioner/log_text.h"

namespace jitwg::provisioner {

std::chrono::milliseconds EvictionPeriod(std::chrono::milliseconds interval,
                                         const EvictionLimits& limits) {
  return std::max(std::chrono::milliseconds(100), std::min(interval, limits.unfinished / 3));
}

void Evictor::Run(std::chrono::milliseconds period, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto started = std::chrono::steady_clock::now();
    RunOnce(stop);
    const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started);
    // A dump of very many peers takes long and holds the kernel's lock: at most a tenth of the
    // time.
    if (PauseUnlessStopped(std::max(period, taken * 9), stop)) return;
  }
}

void Evictor::RunOnce(const std::stop_token& stop) {
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
    const Status looked = LookAt(interface->interface, stop);
    if (!looked) status = looked;
  }
  if (!stop.stop_requested()) Report(status);
}

Status Evictor::LookAt(const std::string& interface, const std::stop_token& stop) {
  const SteadyTime started = parts_.clock.SteadyNow();
  const auto list = parts_.link.List(interface, stop);
  if (!list) return list.error();
  const SteadyTime now = parts_.clock.SteadyNow();
  const auto candidates =
      parts_.book.Observe(interface, *list, started, now, parts_.clock.WallNow());
  for (const EvictionCandidate& candidate : candidates) {
    if (!candidate.known) callbacks_.unknown_peer(candidate.public_key);
  }
  const auto choices = SelectEvictions(candidates, limits_, now);
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
