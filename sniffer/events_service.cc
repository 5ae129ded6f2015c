#include "sniffer/events_service.h"

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/version.h"
#include "lib/rpc/convert.h"
#include "lib/rpc/fan_out_stream.h"

namespace jitwg::sniffer {
namespace {

constexpr std::chrono::seconds kHeartbeatInterval{5};
constexpr std::uint32_t kMaxEventsInMessage = 64;

std::uint64_t RandomInstance() {
  std::uint64_t value = 0;
  randombytes_buf(&value, sizeof(value));
  return value;
}

v1::WatchResponse ToMessage(const HandshakeEvent& event) {
  v1::WatchResponse response;
  v1::HandshakeEvent& message = *response.mutable_event();
  message.set_initiation_id(event.initiation_id);
  message.set_interface(event.interface);
  message.set_public_key(rpc::ToBytes(event.public_key));
  rpc::Fill(event.source, message.mutable_source());
  rpc::Fill(event.destination, message.mutable_destination());
  message.set_timestamp(rpc::ToBytes(event.timestamp));
  rpc::Fill(event.captured_at, message.mutable_captured_at());
  message.set_already_installed(event.already_installed);
  return response;
}

v1::WatchResponse ToMessage(const OutboundDemand& demand) {
  v1::WatchResponse response;
  v1::OutboundDemand& message = *response.mutable_demand();
  message.set_demand_id(demand.id);
  message.set_interface(demand.interface);
  const auto bytes = demand.destination.bytes();
  message.set_destination(bytes.data(), bytes.size());
  rpc::Fill(demand.asked_at, message.mutable_asked_at());
  return response;
}

const std::string& InterfaceOf(const v1::WatchResponse& response) {
  return response.has_demand() ? response.demand().interface() : response.event().interface();
}

void Fill(const CompletionStatus& status, v1::CompletionStatus& message) {
  message.set_strategy(status.strategy);
  message.set_why_not_better(status.why_not_better);
  message.set_held(status.held.held);
  auto& let_go = *message.mutable_let_go();
  let_go["superseded"] = status.held.superseded;
  let_go["expired"] = status.held.expired;
  let_go["out_of_room"] = status.held.out_of_room;
  message.set_reinjected(status.reinjected);
  message.set_reinject_failed(status.reinject_failed);
}

FanOut<v1::WatchResponse>::Wanted OnlyInterfaces(const v1::WatchRequest& request) {
  std::vector<std::string> names(request.interfaces().begin(), request.interfaces().end());
  if (names.empty()) return nullptr;
  return [names = std::move(names)](const v1::WatchResponse& response) {
    return std::find(names.begin(), names.end(), InterfaceOf(response)) != names.end();
  };
}

rpc::FanOutStream<v1::WatchResponse>::Merge Several(const v1::WatchRequest& request) {
  const int most = static_cast<int>(std::min(request.max_events(), kMaxEventsInMessage));
  if (most < 2) return nullptr;
  return [most](v1::WatchResponse& message, const v1::WatchResponse& next) {
    if (!message.has_event() || !next.has_event()) return false;
    if (message.more_events_size() + 1 >= most) return false;
    *message.add_more_events() = next.event();
    return true;
  };
}

}  // namespace

EventsService::EventsService(const Clock& clock, const Statistics& statistics, Others others,
                             FanOutLimits limits)
    : statistics_(statistics),
      others_(std::move(others)),
      instance_(RandomInstance()),
      started_at_(clock.WallNow()),
      hub_(limits),
      beat_thread_([this](const std::stop_token& stop) { BeatUntilStopped(stop); }) {}

void EventsService::OnEvents(std::span<const HandshakeEvent> events) {
  std::vector<v1::WatchResponse> messages;
  messages.reserve(events.size());
  for (const HandshakeEvent& event : events) messages.push_back(ToMessage(event));
  hub_.Publish(std::move(messages));
}

void EventsService::OnDemand(const OutboundDemand& demand) { hub_.Publish(ToMessage(demand)); }

grpc::ServerWriteReactor<v1::WatchResponse>* EventsService::Watch(grpc::CallbackServerContext*,
                                                                  const v1::WatchRequest* request) {
  return rpc::FanOutStream<v1::WatchResponse>::Start(hub_, OnlyInterfaces(*request), Heartbeat(),
                                                     Several(*request));
}

grpc::ServerUnaryReactor* EventsService::GetStatistics(grpc::CallbackServerContext* context,
                                                       const v1::GetStatisticsRequest*,
                                                       v1::GetStatisticsResponse* response) {
  response->set_sniffer_instance(instance_);
  response->set_version(std::string(Version()));
  rpc::Fill(started_at_, response->mutable_started_at());
  for (std::size_t i = 0; i < kInitiationResults; ++i) {
    const auto result = static_cast<InitiationResult>(i);
    (*response->mutable_initiations())[std::string(ToString(result))] = statistics_.Get(result);
  }
  const PacketSourceStats source = others_.sources();
  response->set_captured(source.received);
  response->set_kernel_dropped(source.dropped_by_kernel);
  response->set_watchers(static_cast<std::uint32_t>(hub_.watchers()));
  response->set_events_dropped(hub_.dropped());
  Fill(others_.completion(), *response->mutable_completion());
  if (others_.outbound) others_.outbound(*response->mutable_outbound());
  auto* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

v1::WatchResponse EventsService::Heartbeat() const {
  v1::WatchResponse response;
  response.mutable_heartbeat()->set_sniffer_instance(instance_);
  return response;
}

void EventsService::BeatUntilStopped(const std::stop_token& stop) {
  std::unique_lock lock(beat_mutex_);
  while (!stop.stop_requested()) {
    beat_.wait_for(lock, stop, kHeartbeatInterval, [] { return false; });
    if (!stop.stop_requested()) hub_.Beat(Heartbeat());
  }
}

}  // namespace jitwg::sniffer
