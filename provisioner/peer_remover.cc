#include "provisioner/peer_remover.h"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <mutex>

#include "provisioner/log_text.h"

namespace jitwg::provisioner {

bool PauseUnlessStopped(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return stop.stop_requested();
}

Status PeerRemover::Remove(const std::string& interface, const std::vector<EvictionChoice>& choices,
                           const StillWanted& still_wanted, const std::stop_token& stop,
                           const OnResult& on_result) {
  std::size_t next = 0;
  while (next < choices.size()) {
    {
      const std::lock_guard lock(removing_);
      std::vector<EvictionChoice> batch;
      for (; next < choices.size() && batch.size() < kMaxRemoveBatch; ++next) {
        if (!still_wanted || still_wanted(choices[next])) batch.push_back(choices[next]);
      }
      if (batch.empty()) return {};
      Status removed = RemoveBatch(interface, batch, stop, on_result);
      if (!removed) return removed;
    }
    if (next < choices.size() && PauseUnlessStopped(pause_, stop)) {
      return Error{ErrorCode::kAborted, "stopped"};
    }
  }
  return {};
}

Status PeerRemover::RemoveBatch(const std::string& interface,
                                const std::vector<EvictionChoice>& batch,
                                const std::stop_token& stop, const OnResult& on_result) {
  std::vector<PublicKey> keys;
  keys.reserve(batch.size());
  for (const EvictionChoice& choice : batch) keys.push_back(choice.public_key);
  const auto results = link_.Remove(interface, keys, stop);
  if (!results) return results.error();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Told({interface, batch[i].public_key}, batch[i].reason, results->at(i));
    if (on_result) on_result(results->at(i));
  }
  return {};
}

void PeerRemover::Told(const PeerId& id, EvictionReason reason, const PeerResult& result) {
  if (result.outcome == PeerOutcome::kRemoved) {
    book_.NoteRemoved(id, clock_.SteadyNow());
    spdlog::info("peer_removed interface={} key={} reason={}", id.interface,
                 id.public_key.ToBase64(), ToString(reason));
    decisions_.Publish(EvictionNotice{clock_.WallNow(), id, reason});
  } else if (result.outcome == PeerOutcome::kAbsent) {
    book_.NoteRemoved(id, clock_.SteadyNow());
  } else if (result.outcome != PeerOutcome::kRefusedForeign) {
    spdlog::warn("peer_not_removed interface={} key={} reason={} problem=\"{}\"", id.interface,
                 id.public_key.ToBase64(), ToString(reason), LogText(result.message));
  }
}

}  // namespace jitwg::provisioner
