#include "tests/simulation/link.h"

#include <algorithm>

#include "provisioner/backoff.h"
#include "provisioner/grpc_sniffer_link.h"
#include "provisioner/link_convert.h"
#include "sniffer/peer_state.h"
#include "tests/simulation/invariants.h"

namespace jitwg::simulation {

using provisioner::PeerResult;
using provisioner::PeerSpec;

namespace {

constexpr std::size_t kMaxEvents = 16;
const provisioner::SnifferLinkTimes kTimes;

std::uint64_t StampOf(const Tai64n& stamp) {
  return static_cast<std::uint64_t>(stamp.UnixSeconds()) * 1'000'000'000 + stamp.Nanoseconds();
}

Error Unavailable() { return {ErrorCode::kUnavailable, "the simulated sniffer is away"}; }

template <class Response>
Result<std::vector<PeerResult>> ParseResults(const Response& response) {
  std::vector<PeerResult> results;
  for (const v1::PeerResult& message : response.results()) {
    auto result = provisioner::ParseResult(message);
    if (!result) return result.error();
    results.push_back(std::move(*result));
  }
  return results;
}

}  // namespace

Status Link::RoundTrip(Handler handler, Nanos timeout, const std::stop_token& stop) {
  Scheduler& scheduler = world_.scheduler();
  Random& random = world_.random();
  const Faults& faults = world_.faults();
  SnifferProcess* sniffer = world_.sniffer();
  scheduler.Sleep(random.Between(Nanos(20'000), Nanos(300'000)));
  if (sniffer != world_.sniffer() || sniffer == nullptr || !sniffer->serves()) return Unavailable();
  if (random.Chance(faults.call_lost)) return Unavailable();
  const bool answer_lost = random.Chance(faults.answer_lost);
  Nanos delay = random.Between(Nanos(20'000), Nanos(300'000));
  if (random.Chance(faults.call_slow)) delay = random.Between(seconds(0), seconds(8));
  const auto call = std::make_shared<Call>();
  std::erase_if(calls_, [](const auto& item) { return item.expired(); });
  calls_.push_back(call);
  scheduler.Spawn(
      sniffer->process(),
      [&scheduler, sniffer, call, answer_lost, handler = std::move(handler)] {
        Status answer = handler(*sniffer);
        if (answer_lost) answer = Unavailable();
        call->answer = answer;
        scheduler.WakeAll(call.get());
      },
      delay);
  const std::stop_callback on_stop(stop, [&scheduler, call] { scheduler.WakeAll(call.get()); });
  const Nanos deadline = scheduler.now() + timeout;
  while (!call->answer) {
    if (stop.stop_requested()) return Error{ErrorCode::kAborted, "stopped"};
    if (call->is_broken) return Unavailable();
    if (!scheduler.Wait(call.get(), deadline) && !call->answer) {
      return Error{ErrorCode::kDeadlineExceeded, "the simulated sniffer does not answer"};
    }
  }
  return *call->answer;
}

void Link::Break(bool silently) {
  if (stream_) {
    (silently ? stream_->is_mute : stream_->is_broken) = true;
    world_.scheduler().WakeAll(stream_.get());
  }
  if (silently) return;
  for (const auto& weak : calls_) {
    if (const auto call = weak.lock()) {
      call->is_broken = true;
      world_.scheduler().WakeAll(call.get());
    }
  }
}

void Link::Vanish() {
  SnifferProcess* sniffer = world_.sniffer();
  if (!stream_ || sniffer == nullptr) return;
  world_.scheduler().Spawn(sniffer->process(), [sniffer, watcher = stream_->watcher] {
    sniffer->hub().Remove(watcher);
  });
}

void Link::Watch(provisioner::SnifferListener& listener, const std::stop_token& stop) {
  provisioner::Backoff backoff(kTimes.first_backoff, kTimes.last_backoff,
                               static_cast<std::uint32_t>(world_.random().Next()));
  Scheduler& scheduler = world_.scheduler();
  const std::stop_callback on_stop(stop, [&] {
    scheduler.WakeAll(this);
    if (stream_) scheduler.WakeAll(stream_.get());
  });
  while (!stop.stop_requested()) {
    bool was_alive = false;
    const Error why = Follow(listener, stop, was_alive);
    stream_.reset();
    if (stop.stop_requested()) return;
    if (was_alive) backoff.Reset();
    listener.OnDisconnected(why);
    const Nanos until = scheduler.now() + backoff.Next();
    while (!stop.stop_requested() && scheduler.Wait(this, until)) {
    }
  }
}

Error Link::Follow(provisioner::SnifferListener& listener, const std::stop_token& stop,
                   bool& was_alive) {
  Scheduler& scheduler = world_.scheduler();
  SnifferProcess* sniffer = world_.sniffer();
  if (sniffer == nullptr || !sniffer->serves() ||
      world_.random().Chance(world_.faults().call_lost)) {
    return Unavailable();
  }
  const auto stream = std::make_shared<Stream>();
  auto watcher =
      sniffer->hub().Add(nullptr, [&scheduler, stream] { scheduler.WakeAll(stream.get()); });
  if (!watcher) return watcher.error();
  stream->watcher = std::move(*watcher);
  stream_ = stream;
  scheduler.Sleep(world_.random().Between(Nanos(50'000), Nanos(500'000)));
  if (stream->is_broken) return Unavailable();
  listener.OnConnected(sniffer->instance());
  was_alive = true;
  Nanos heard = scheduler.now();
  while (!stop.stop_requested() && !stream->is_broken) {
    const auto next = stream->is_mute ? std::nullopt : stream->watcher->Next();
    if (!next) {
      if (!scheduler.Wait(stream.get(), heard + kTimes.max_silence) &&
          scheduler.now() - heard >= kTimes.max_silence) {
        break;
      }
      continue;
    }
    heard = scheduler.now();
    if (world_.random().Chance(0.3)) {
      scheduler.Sleep(world_.random().Between(Nanos(20'000), Nanos(2'000'000)));
    }
    if (stream->is_broken) break;
    if (next->dropped_before > 0) listener.OnDropped(next->dropped_before);
    // What waits behind it comes in the same message, up to what the sniffer puts into one.
    std::vector<StreamItem> items{*next->item};
    const auto take = [&items](const StreamItem& item) {
      if (item.is_beat || items.front().is_beat || items.size() >= kMaxEvents) return false;
      items.push_back(item);
      return true;
    };
    while (stream->watcher->TakeIf(take)) continue;
    Deliver(listener, items);
  }
  if (world_.sniffer() == sniffer) sniffer->hub().Remove(stream->watcher);
  return Unavailable();
}

void Link::Deliver(provisioner::SnifferListener& listener, const std::vector<StreamItem>& items) {
  std::vector<provisioner::HandshakeEvent> events;
  for (const StreamItem& item : items) {
    if (item.is_beat) continue;
    const sniffer::HandshakeEvent& event = item.event;
    std::uint64_t& stamp = stamps_[{event.public_key, event.initiation_id}];
    stamp = std::max(stamp, StampOf(event.timestamp));
    events.push_back({event.initiation_id, event.interface, event.public_key, event.source,
                      event.timestamp, event.captured_at, event.already_installed});
  }
  if (!events.empty()) listener.OnEvents(events);
}

void Link::CheckStamps(const std::vector<PeerSpec>& peers) {
  for (const PeerSpec& peer : peers) {
    if (peer.initiation_id == 0) continue;
    CheckInstallCall(world_, peer.public_key, stamps_[{peer.public_key, peer.initiation_id}]);
  }
}

void Link::Install(const std::string& interface, std::vector<PeerSpec> peers,
                   provisioner::Completion completion, InstallCallback done) {
  CheckStamps(peers);
  const auto request = std::make_shared<v1::InstallPeersRequest>();
  const auto response = std::make_shared<v1::InstallPeersResponse>();
  request->set_interface(interface);
  request->set_completion(provisioner::ToMessage(completion));
  for (const PeerSpec& peer : peers) provisioner::FillSpec(peer, request->add_peers());
  *request->mutable_order() = numbers_.Begin();
  Scheduler& scheduler = world_.scheduler();
  scheduler.Spawn(scheduler.CurrentProcess(), [this, request, response, done = std::move(done)] {
    const Status status = RoundTrip(
        [request, response](SnifferProcess& sniffer) {
          return sniffer.installer().DoInstall(*request, *response);
        },
        kTimes.install, {});
    numbers_.End(request->order());
    if (status) {
      done(ParseResults(*response));
    } else {
      done(status.error());
    }
  });
}

Result<std::vector<PeerResult>> Link::Remove(const std::string& interface,
                                             const std::vector<PublicKey>& keys,
                                             const std::stop_token& stop) {
  const auto request = std::make_shared<v1::RemovePeersRequest>();
  const auto response = std::make_shared<v1::RemovePeersResponse>();
  request->set_interface(interface);
  for (const PublicKey& key : keys) request->add_public_keys(key.bytes.data(), kKeySize);
  *request->mutable_order() = numbers_.Begin();
  const Status status = RoundTrip(
      [request, response](SnifferProcess& sniffer) {
        return sniffer.installer().DoRemove(*request, *response);
      },
      kTimes.remove, stop);
  numbers_.End(request->order());
  if (!status) return status.error();
  return ParseResults(*response);
}

Result<provisioner::PeerList> Link::List(const std::string&, const std::stop_token& stop) {
  const auto list = std::make_shared<provisioner::PeerList>();
  const bool is_blind = world_.setup().sabotage == Sabotage::kBlindEvictor;
  const Status status = RoundTrip(
      [list, is_blind](SnifferProcess& sniffer) -> Status {
        const auto listed = sniffer.peers().List();
        if (!listed) return listed.error();
        list->interrupted = listed->interrupted;
        for (const sniffer::ListedPeer& peer : listed->peers) {
          if (!peer.own) continue;
          v1::PeerState message;
          sniffer::FillPeerState(peer, &message);
          auto state = provisioner::ParseState(message);
          if (!state) return state.error();
          if (is_blind) state->last_handshake.reset();
          list->peers.push_back(std::move(*state));
        }
        return {};
      },
      kTimes.list, stop);
  if (!status) return status.error();
  return std::move(*list);
}

Result<std::vector<provisioner::InterfaceState>> Link::GetInterfaces(const std::stop_token& stop) {
  const auto response = std::make_shared<v1::GetInterfaceResponse>();
  const Status status = RoundTrip(
      [response](SnifferProcess& sniffer) {
        return sniffer.installer().DoGetInterface({}, *response);
      },
      kTimes.interface, stop);
  if (!status) return status.error();
  std::vector<provisioner::InterfaceState> states;
  for (const v1::InterfaceState& message : response->interfaces()) {
    auto state = provisioner::ParseInterface(message);
    if (!state) return state.error();
    states.push_back(std::move(*state));
  }
  return states;
}

}  // namespace jitwg::simulation
