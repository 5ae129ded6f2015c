#include "provisioner/coordinator.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "provisioner/log_text.h"
#include "provisioner/reconcile_plan.h"

namespace jitwg::provisioner {
namespace {

std::chrono::microseconds Between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from);
}

Verdict ToVerdict(PeerOutcome outcome) {
  switch (outcome) {
    case PeerOutcome::kInstalled:
      return Verdict::kInstalled;
    case PeerOutcome::kUpdated:
      return Verdict::kUpdated;
    case PeerOutcome::kUnchanged:
      return Verdict::kAlreadyInstalled;
    case PeerOutcome::kRefusedPrefix:
      return Verdict::kPrefixNotAllowed;
    case PeerOutcome::kNoEndpoint:
      return Verdict::kNoEndpoint;
    default:
      return Verdict::kInstallFailed;
  }
}

std::string DetailOf(const std::optional<OutboundCall>& outbound, const std::string& detail,
                     const std::optional<std::chrono::seconds>& cached_age) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (outbound) add("outbound to " + outbound->demand.destination.ToString());
  if (!detail.empty()) add(detail);
  if (cached_age) {
    add("from the gateway's cache, " + std::to_string(cached_age->count()) + " s old");
  }
  return text;
}

bool IsIn(PeerOutcome outcome) {
  return outcome == PeerOutcome::kInstalled || outcome == PeerOutcome::kUpdated ||
         outcome == PeerOutcome::kUnchanged;
}

}  // namespace

Coordinator::Coordinator(const CoordinatorParts& parts, CoordinatorOptions options,
                         CoordinatorCallbacks callbacks)
    : parts_(parts),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      queue_(parts.link, *this, options_.completion, options_.install) {}

Coordinator::~Coordinator() { Stop(); }

void Coordinator::OnEvents(const std::vector<HandshakeEvent>& events) {
  std::optional<InstallQueue::Gathering> gathering(std::in_place, queue_);
  SteadyTime begun = parts_.clock.SteadyNow();
  for (const HandshakeEvent& event : events) {
    TakeEvent(event);
    if (parts_.clock.SteadyNow() - begun < kGatherTime) continue;
    // Something is slow, the registry's file perhaps: what is decided does not wait for the rest.
    gathering.reset();
    gathering.emplace(queue_);
    begun = parts_.clock.SteadyNow();
    reads_here_ = false;
  }
  reads_here_ = true;
}

void Coordinator::OnEvent(const HandshakeEvent& event) { OnEvents({event}); }

void Coordinator::TakeEvent(const HandshakeEvent& event) {
  const PeerId id{event.interface, event.public_key};
  if (event.already_installed) {
    parts_.replay.RaiseSoon(event.public_key, event.timestamp);
    parts_.book.NoteActivity(id, parts_.clock.SteadyNow());
    return Publish(event, Verdict::kAlreadyInstalled, "");
  }
  Boarding boarding = Board(id, event, /*is_fresh=*/false);
  std::string detail;
  if (boarding == Boarding::kUnchecked) {
    // An outbound flight puts no stamp on disk, and events come one at a time: this one cannot be
    // overtaken.
    if (const auto verdict = CheckReplay(event, detail)) return Publish(event, *verdict, detail);
    boarding = Board(id, event, /*is_fresh=*/true);
  }
  switch (boarding) {
    case Boarding::kJoined:
    case Boarding::kUnchecked:
      return;
    case Boarding::kReplay:
      return Publish(event, Verdict::kReplay, "");
    case Boarding::kFull:
      return Publish(event, Verdict::kOverloaded, "");
    case Boarding::kNew:
      break;
  }
  // Only now, with the key in flight: an earlier flight has put its stamp on disk, none is to come.
  if (const auto verdict = CheckReplay(event, detail)) return Land(id, *verdict, detail);
  LookUp(id);
}

void Coordinator::OnOutbound(const OutboundCall& call) {
  const PeerId id{call.demand.interface, call.public_key};
  if (BoardOutbound(id, call)) LookUp(id);
}

bool Coordinator::BoardOutbound(const PeerId& id, const OutboundCall& call) {
  const std::lock_guard lock(mutex_);
  // Half of the places are the callers' alone.
  if (stopping_ || flights_.size() >= options_.max_lookups / 2) return false;
  const auto [item, is_new] = flights_.try_emplace(id);
  if (!is_new) return false;
  Flight& flight = item->second;
  flight.newest.interface = id.interface;
  flight.newest.public_key = id.public_key;
  flight.newest.captured_at = call.demand.asked_at;
  flight.outbound = call;
  flight.started = parts_.clock.SteadyNow();
  return true;
}

Coordinator::Boarding Coordinator::Board(const PeerId& id, const HandshakeEvent& event,
                                         bool is_fresh) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Boarding::kFull;
  if (const auto found = flights_.find(id); found != flights_.end()) {
    if (found->second.outbound && !is_fresh) return Boarding::kUnchecked;
    HandshakeEvent& newest = found->second.newest;
    if (event.timestamp <= newest.timestamp) return Boarding::kReplay;
    found->second.outbound.reset();
    newest = event;
    superseded_.fetch_add(1);
    return Boarding::kJoined;
  }
  if (flights_.size() >= options_.max_lookups) return Boarding::kFull;
  Flight& flight = flights_[id];
  flight.newest = event;
  flight.started = parts_.clock.SteadyNow();
  return Boarding::kNew;
}

std::optional<Verdict> Coordinator::CheckReplay(const HandshakeEvent& event, std::string& detail) {
  const auto newest = parts_.replay.Newest(event.public_key);
  if (!newest) {
    detail = "the replay memory cannot be read: " + newest.error().message;
    return Verdict::kInstallFailed;
  }
  if (*newest && event.timestamp <= **newest) return Verdict::kReplay;
  return std::nullopt;
}

void Coordinator::LookUp(const PeerId& id) {
  {
    const std::lock_guard lock(mutex_);
    ++answers_due_;
    flights_.at(id).asked = parts_.clock.SteadyNow();
  }
  lookups_.fetch_add(1);
  if (parts_.cache != nullptr) {
    parts_.cache->LookUp(
        id.public_key, options_.lookup_timeout,
        [this, id](Found found, const Age& age) { OnAnswer(id, std::move(found), age); });
  } else if (auto found = TryFind(id)) {
    OnAnswer(id, std::move(*found), {});
  } else {
    parts_.registry.Find(id.public_key, options_.lookup_timeout,
                         [this, id](Found answer) { OnAnswer(id, std::move(answer), {}); });
  }
}

std::optional<Coordinator::Found> Coordinator::TryFind(const PeerId& id) {
  if (!reads_here_) return std::nullopt;
  return parts_.registry.TryFind(id.public_key);
}

void Coordinator::OnAnswer(const PeerId& id, Found found, const Age& age) {
  {
    const std::lock_guard lock(mutex_);
    Flight& flight = flights_.at(id);
    flight.cached_age = age;
    (age ? times_.cache_lookup : times_.registry_lookup)
        .Observe(parts_.clock.SteadyNow() - flight.asked);
  }
  OnFound(id, std::move(found));
  const std::lock_guard lock(mutex_);
  --answers_due_;
  landed_.notify_all();
}

void Coordinator::OnFound(const PeerId& id, Found found) {
  if (!found) {
    if (outages_.Allow(PublicKey(), parts_.clock.SteadyNow())) {
      spdlog::warn("registry_unavailable problem=\"{}\" effect=\"nobody new can connect\"",
                   LogText(found.error().message));
    }
    return Land(id, Verdict::kRegistryUnavailable, found.error().message);
  }
  if (!*found) {
    if (!LookUpAgain(id)) Land(id, Verdict::kUnknownKey, "");
    return;
  }
  const auto interface = parts_.interfaces.Find(id.interface);
  const auto refusal =
      CheckPolicy(**found, interface.get(), options_.identity, parts_.clock.WallNow());
  if (!refusal) return Allow(id, std::move(**found));
  if (!LookUpAgain(id)) Refuse(id, std::move(**found), *refusal);
}

bool Coordinator::LookUpAgain(const PeerId& id) {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(flights_.at(id).registry_changed, false)) return false;
  }
  LookUp(id);
  return true;
}

void Coordinator::Allow(const PeerId& id, registry::Peer peer) {
  {
    const std::lock_guard lock(mutex_);
    Flight& flight = flights_.at(id);
    flight.looked_up = parts_.clock.SteadyNow();
    flight.peer = std::move(peer);
  }
  queue_.Push(id);
}

void Coordinator::Refuse(const PeerId& id, registry::Peer peer, Refusal refusal) {
  if (refusals_.Allow(id.public_key, parts_.clock.SteadyNow())) {
    spdlog::info("peer_refused interface={} key={} name=\"{}\" reason={}", id.interface,
                 id.public_key.ToBase64(), LogText(peer.name), ToString(refusal));
  }
  {
    const std::lock_guard lock(mutex_);
    flights_.at(id).peer = std::move(peer);
  }
  Land(id, provisioner::ToVerdict(refusal), "");
}

void Coordinator::Land(const PeerId& id, Verdict verdict, const std::string& detail) {
  Flight flight;
  {
    const std::lock_guard lock(mutex_);
    auto node = flights_.extract(id);
    flight = std::move(node.mapped());
    landed_.notify_all();
  }
  PublishFlight(flight, verdict, detail);
  if (flight.outbound && callbacks_.outbound_landed) {
    callbacks_.outbound_landed(*flight.outbound, verdict);
  }
  if (flight.registry_changed && callbacks_.recheck) callbacks_.recheck(id.public_key);
}

Result<std::vector<PeerSpec>> Coordinator::PrepareBatch(const std::string& interface,
                                                        const std::vector<PublicKey>& keys) {
  std::vector<PeerSpec> specs;
  std::vector<KeyStamp> stamps;
  {
    const std::lock_guard lock(mutex_);
    for (const PublicKey& key : keys) {
      Flight& flight = flights_.at({interface, key});
      flight.sent = parts_.clock.SteadyNow();
      flight.sent_initiation = flight.newest.initiation_id;
      specs.push_back(ToSpec(*flight.peer, flight.sent_initiation));
      if (flight.outbound) {
        specs.back().demand_id = flight.outbound->demand.demand_id;
        specs.back().suggested_endpoint = flight.outbound->suggested_endpoint;
      } else {
        stamps.emplace_back(key, flight.newest.timestamp);
      }
    }
  }
  const Status stored = stamps.empty() ? Status() : parts_.replay.Raise(stamps);
  if (!stored) {
    return Error{stored.error().code,
                 "nothing was installed, since the time stamp cannot be "
                 "stored: " +
                     stored.error().message};
  }
  return specs;
}

void Coordinator::FinishBatch(const std::string& interface, const std::vector<PublicKey>& keys,
                              Result<std::vector<PeerResult>> results) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const PeerId id{interface, keys[i]};
    if (results) {
      FinishOne(id, (*results)[i]);
    } else {
      Land(id, Verdict::kInstallFailed, results.error().message);
    }
  }
}

void Coordinator::FinishOne(const PeerId& id, const PeerResult& result) {
  if (IsIn(result.outcome)) {
    registry::Peer peer;
    {
      const std::lock_guard lock(mutex_);
      peer = flights_.at(id).peer->Clone();
    }
    parts_.book.NoteInstalled(id, peer, parts_.clock.SteadyNow());
    if (SendAgain(id)) return;
  }
  // Nobody knew where to call; a caller who joined meanwhile tells.
  if (result.outcome == PeerOutcome::kNoEndpoint && SendAgain(id)) return;
  if (result.outcome == PeerOutcome::kRefusedCap && callbacks_.cap_reached) {
    callbacks_.cap_reached(id.interface);
  }
  Land(id, ToVerdict(result.outcome), result.message);
}

bool Coordinator::SendAgain(const PeerId& id) {
  {
    const std::lock_guard lock(mutex_);
    const Flight& flight = flights_.at(id);
    if (stopping_ || flight.newest.initiation_id == flight.sent_initiation) return false;
  }
  queue_.Push(id);
  return true;
}

void Coordinator::Publish(const HandshakeEvent& event, Verdict verdict, const std::string& detail) {
  Decision decision;
  decision.decided_at = parts_.clock.WallNow();
  decision.event = event;
  decision.verdict = verdict;
  decision.detail = detail;
  parts_.decisions.Publish(std::move(decision));
}

void Coordinator::PublishFlight(const Flight& flight, Verdict verdict, const std::string& detail) {
  const SteadyTime now = parts_.clock.SteadyNow();
  Decision decision;
  decision.decided_at = parts_.clock.WallNow();
  decision.event = flight.newest;
  if (flight.outbound) decision.destination = flight.outbound->demand.destination;
  decision.verdict = verdict;
  decision.detail = DetailOf(flight.outbound, detail, flight.cached_age);
  const bool was_sent = flight.sent != SteadyTime{};
  const bool was_found = flight.looked_up != SteadyTime{};
  decision.lookup_time = Between(flight.started, was_found ? flight.looked_up : now);
  if (was_sent) {
    decision.install_time = Between(flight.sent, now);
    times_.install.Observe(now - flight.sent);
  }
  if (verdict == Verdict::kInstalled && !flight.outbound) {
    times_.captured_to_installed.Observe(decision.decided_at - decision.event.captured_at);
  }
  if (flight.peer) {
    decision.peer_name = flight.peer->name;
    decision.allowed_ips = flight.peer->allowed_ips;
  }
  // What packets of the gateway can cause without end is no line of the log.
  if (was_sent && verdict != Verdict::kNoEndpoint) {
    const bool failed = verdict == Verdict::kInstallFailed || verdict == Verdict::kPrefixNotAllowed;
    const std::string_view what = failed ? "peer_not_installed" : "peer_installed";
    const auto level = failed ? spdlog::level::warn : spdlog::level::info;
    if (!failed || refusals_.Allow(flight.newest.public_key, now)) {
      spdlog::log(level, "{} interface={} key={} name=\"{}\" verdict={} detail=\"{}\"", what,
                  flight.newest.interface, flight.newest.public_key.ToBase64(),
                  LogText(decision.peer_name), ToString(verdict), LogText(decision.detail));
    }
  }
  parts_.decisions.Publish(std::move(decision));
}

void Coordinator::OnRegistryChange(const registry::Change& change) {
  const std::lock_guard lock(mutex_);
  for (auto& [id, flight] : flights_) {
    if (!change.public_key || *change.public_key == id.public_key) flight.registry_changed = true;
  }
}

void Coordinator::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  queue_.Stop();
  std::unique_lock lock(mutex_);
  landed_.wait(lock, [this] { return flights_.empty() && answers_due_ == 0; });
}

std::size_t Coordinator::in_flight() const {
  const std::lock_guard lock(mutex_);
  return flights_.size();
}

}  // namespace jitwg::provisioner
