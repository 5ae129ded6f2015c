#include "provisioner/outbound_desk.h"

#include <algorithm>
#include <utility>

namespace jitwg::provisioner {

OutboundDesk::OutboundDesk(const Clock& clock, registry::Registry& registry, DecisionHub& decisions,
                           OutboundDeskOptions options,
                           std::function<void(const OutboundCall&)> call)
    : clock_(clock),
      registry_(registry),
      decisions_(decisions),
      options_(std::move(options)),
      call_(std::move(call)),
      backoff_(options_.backoff) {}

void OutboundDesk::OnDemand(const OutboundDemand& demand) {
  Count(kReceived);
  {
    const std::lock_guard lock(mutex_);
    if (backoff_.Waits(demand.interface, demand.destination, clock_.SteadyNow())) {
      return Count(kBackedOff);
    }
    const bool known =
        std::any_of(waiting_.begin(), waiting_.end(), [&](const OutboundDemand& other) {
          return other.destination == demand.destination && other.interface == demand.interface;
        });
    if (known) return Count(kWaitingAlready);
    if (waiting_.size() >= options_.max_waiting) return Count(kOverflow);
    waiting_.push_back(demand);
  }
  wake_.notify_one();
}

void OutboundDesk::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, stop, [this] { return !waiting_.empty(); });
    }
    if (!stop.stop_requested()) LookUpNext();
  }
}

bool OutboundDesk::LookUpNext() {
  OutboundDemand demand;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return false;
    demand = std::move(waiting_.front());
    waiting_.pop_front();
  }
  LookUp(demand);
  return true;
}

void OutboundDesk::LookUp(const OutboundDemand& demand) {
  Count(kLookedUp);
  const auto holder = registry_.FindHolder(options_.network, demand.destination);
  if (!holder) return Refuse(demand, Verdict::kRegistryUnavailable, holder.error().message);
  if (!*holder) return Refuse(demand, Verdict::kUnknownAddress, "");
  const PeerId id{demand.interface, (*holder)->public_key};
  {
    const std::lock_guard lock(mutex_);
    if (backoff_.Waits(id, demand.destination, clock_.SteadyNow())) return Count(kBackedOff);
  }
  call_({demand, id.public_key, (*holder)->last_endpoint});
}

void OutboundDesk::Refuse(const OutboundDemand& demand, Verdict verdict,
                          const std::string& detail) {
  {
    const std::lock_guard lock(mutex_);
    backoff_.NoteUnknown(demand.interface, demand.destination, clock_.SteadyNow());
  }
  Decision decision;
  decision.decided_at = clock_.WallNow();
  decision.event.interface = demand.interface;
  decision.event.captured_at = demand.asked_at;
  decision.destination = demand.destination;
  decision.verdict = verdict;
  decision.detail = "outbound to " + demand.destination.ToString();
  if (!detail.empty()) decision.detail += "; " + detail;
  decisions_.Publish(std::move(decision));
}

void OutboundDesk::OnLanded(const OutboundCall& call, Verdict verdict) {
  const bool was_called = verdict == Verdict::kInstalled;
  const PeerId id{call.demand.interface, call.public_key};
  const std::lock_guard lock(mutex_);
  backoff_.NoteCall(id, call.demand.destination,
                    was_called ? options_.unfinished : std::chrono::milliseconds(0),
                    clock_.SteadyNow());
}

void OutboundDesk::OnEvent(const HandshakeEvent& event) {
  const std::lock_guard lock(mutex_);
  backoff_.Forget({event.interface, event.public_key});
}

void OutboundDesk::NoteList(const std::string& interface, const PeerList& list) {
  const std::lock_guard lock(mutex_);
  if (!backoff_.has_peers()) return;
  for (const PeerState& state : list.peers) {
    const PeerId id{interface, state.public_key};
    if (state.last_handshake && backoff_.Knows(id)) backoff_.Forget(id);
  }
}

void OutboundDesk::OnRegistryChange(const registry::Change& change) {
  const std::lock_guard lock(mutex_);
  backoff_.ForgetKey(change.public_key);
}

std::map<std::string, std::uint64_t> OutboundDesk::Counters() const {
  static constexpr std::array<const char*, kCounters> kNames{"received", "looked_up", "backed_off",
                                                             "waiting_already", "overflow"};
  std::map<std::string, std::uint64_t> counters;
  for (std::size_t i = 0; i < kCounters; ++i) counters.emplace(kNames.at(i), counts_.at(i).load());
  return counters;
}

}  // namespace jitwg::provisioner
