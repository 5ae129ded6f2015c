#include "provisioner/admin_service.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "lib/rpc/convert.h"
#include "lib/rpc/status.h"

namespace jitwg::provisioner {
namespace {

// A sync handler hears of its caller's cancellation only by asking.
constexpr std::chrono::milliseconds kCancelCheck{200};

// Woken by the hub; shared with it, since a wake may come after the watcher was removed.
struct Bell {
  std::mutex mutex;
  std::condition_variable rung;
  bool pending = false;

  void Ring() {
    const std::lock_guard lock(mutex);
    pending = true;
    rung.notify_one();
  }
  void Wait(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex);
    rung.wait_for(lock, timeout, [this] { return pending; });
    pending = false;
  }
};

void FillDecision(const Decision& decision, v1::Decision* message) {
  const HandshakeEvent& event = decision.event;
  rpc::Fill(decision.decided_at, message->mutable_decided_at());
  message->set_interface(event.interface);
  message->set_public_key(rpc::ToBytes(event.public_key));
  rpc::Fill(event.source, message->mutable_source());
  message->set_timestamp(rpc::ToBytes(event.timestamp));
  rpc::Fill(event.captured_at, message->mutable_captured_at());
  message->set_verdict(std::string(ToString(decision.verdict)));
  message->set_detail(decision.detail);
  message->set_peer_name(decision.peer_name);
  for (const IpPrefix& prefix : decision.allowed_ips) {
    rpc::Fill(prefix, message->add_allowed_ips());
  }
  message->set_lookup_microseconds(static_cast<std::uint64_t>(decision.lookup_time.count()));
  message->set_install_microseconds(static_cast<std::uint64_t>(decision.install_time.count()));
}

}  // namespace

void FillMessage(const DecisionMessage& message, std::uint64_t dropped_before,
                 v1::WatchDecisionsResponse* response) {
  response->Clear();
  response->set_dropped_before(dropped_before);
  if (const auto* decision = std::get_if<Decision>(&message)) {
    FillDecision(*decision, response->mutable_decision());
  } else if (const auto* notice = std::get_if<EvictionNotice>(&message)) {
    v1::Eviction* eviction = response->mutable_eviction();
    rpc::Fill(notice->evicted_at, eviction->mutable_evicted_at());
    eviction->set_interface(notice->peer.interface);
    eviction->set_public_key(rpc::ToBytes(notice->peer.public_key));
    eviction->set_reason(std::string(ToString(notice->reason)));
  } else {
    response->mutable_heartbeat();
  }
}

AdminService::AdminService(const Clock& clock, Provisioner& provisioner,
                           registry::Registry& registry, AdminInfo info)
    : provisioner_(provisioner),
      registry_(registry),
      info_(std::move(info)),
      started_at_(clock.WallNow()) {}

grpc::Status AdminService::Status(grpc::ServerContext* /*context*/,
                                  const v1::StatusRequest* /*request*/,
                                  v1::StatusResponse* response) {
  const LinkStatus link = provisioner_.link_status();
  const auto health = registry_.Health();
  response->set_version(info_.version);
  rpc::Fill(started_at_, response->mutable_started_at());
  response->set_sniffer_connected(link.connected);
  response->set_sniffer_problem(link.problem);
  response->set_registry_kind(info_.registry_kind);
  response->set_registry_healthy(health.has_value());
  if (!health) response->set_registry_problem(health.error().message);
  for (const auto& [verdict, count] : provisioner_.decisions().Decisions()) {
    (*response->mutable_decisions())[verdict] = count;
  }
  for (const auto& [reason, count] : provisioner_.decisions().Evictions()) {
    (*response->mutable_evictions())[reason] = count;
  }
  response->set_registry_lookups(provisioner_.coordinator().lookups());
  response->set_lookups_in_flight(
      static_cast<std::uint32_t>(provisioner_.coordinator().in_flight()));
  response->set_events_dropped(link.events_dropped);
  response->set_sniffer_reconnects(link.reconnects);
  return grpc::Status::OK;
}

grpc::Status AdminService::WatchDecisions(grpc::ServerContext* context,
                                          const v1::WatchDecisionsRequest* /*request*/,
                                          grpc::ServerWriter<v1::WatchDecisionsResponse>* writer) {
  const auto bell = std::make_shared<Bell>();
  DecisionFan& fan = provisioner_.decisions().fan();
  const auto watcher = fan.Add({}, [bell] { bell->Ring(); });
  if (!watcher) return rpc::ToGrpc(watcher.error());
  v1::WatchDecisionsResponse message;
  FillMessage(DecisionsBeat{}, 0, &message);
  bool alive = writer->Write(message);
  auto last = std::chrono::steady_clock::now();
  while (alive && !stopping_.load() && !context->IsCancelled()) {
    if (const auto delivery = (*watcher)->Next()) {
      FillMessage(*delivery->item, delivery->dropped_before, &message);
    } else if (std::chrono::steady_clock::now() - last >= info_.heartbeat) {
      FillMessage(DecisionsBeat{}, 0, &message);
    } else {
      bell->Wait(std::min(kCancelCheck, info_.heartbeat));
      continue;
    }
    alive = writer->Write(message);
    last = std::chrono::steady_clock::now();
  }
  fan.Remove(*watcher);
  return stopping_.load()
             ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "the provisioner is stopping")
             : grpc::Status::OK;
}

}  // namespace jitwg::provisioner
