#include "provisioner/admin_service.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "lib/rpc/convert.h"
#include "lib/rpc/status.h"
#include "provisioner/admin_convert.h"

namespace jitwg::provisioner {
namespace {

// A sync handler hears of its caller's cancellation only by asking.
constexpr std::chrono::milliseconds kCancelCheck{200};
constexpr std::uint32_t kMaxRecent = 1000;

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

}  // namespace

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
  for (const auto& [what, count] : provisioner_.outbound().Counters()) {
    (*response->mutable_outbound())[what] = count;
  }
  response->set_events_dropped(link.events_dropped);
  response->set_sniffer_reconnects(link.reconnects);
  if (info_.cache != nullptr) FillCache(response->mutable_cache());
  return grpc::Status::OK;
}

void AdminService::FillCache(v1::CacheStatus* message) const {
  const CacheCounters counters = info_.cache->counters();
  message->set_served(counters.served);
  message->set_negatives_served(counters.negatives);
  message->set_registry_away(counters.registry_away);
  if (info_.cache_store == nullptr) return;
  message->set_entries(info_.cache_store->size());
  message->set_write_failures(info_.cache_store->write_failures());
}

grpc::Status AdminService::Explain(grpc::ServerContext* /*context*/,
                                   const v1::ExplainRequest* request,
                                   v1::ExplainResponse* response) {
  const auto key = rpc::ParseKey(request->public_key());
  if (!key) return rpc::ToGrpc(key.error());
  FillExplanation(*key, provisioner_.operations().Explain(*key, stop_.get_token()), response);
  return grpc::Status::OK;
}

grpc::Status AdminService::Evict(grpc::ServerContext* /*context*/, const v1::EvictRequest* request,
                                 v1::EvictResponse* response) {
  const auto wish = ParseWish(*request);
  if (!wish) return rpc::ToGrpc(wish.error());
  const auto outcome = provisioner_.operations().Evict(*wish, stop_.get_token());
  if (!outcome) return rpc::ToGrpc(outcome.error());
  FillOutcome(*outcome, response);
  return grpc::Status::OK;
}

grpc::Status AdminService::ForgetTimestamp(grpc::ServerContext* /*context*/,
                                           const v1::ForgetTimestampRequest* request,
                                           v1::ForgetTimestampResponse* response) {
  const auto key = rpc::ParseKey(request->public_key());
  if (!key) return rpc::ToGrpc(key.error());
  const auto forgotten = provisioner_.operations().ForgetTimestamp(*key);
  if (!forgotten) return rpc::ToGrpc(forgotten.error());
  if (*forgotten) response->set_forgotten_timestamp(rpc::ToBytes(**forgotten));
  return grpc::Status::OK;
}

bool AdminService::WriteRecent(std::uint32_t count,
                               grpc::ServerWriter<v1::WatchDecisionsResponse>& writer) {
  v1::WatchDecisionsResponse message;
  bool alive = true;
  for (Decision& decision : provisioner_.decisions().history().Last(std::min(count, kMaxRecent))) {
    FillMessage(std::move(decision), 0, &message);
    alive = alive && writer.Write(message);
  }
  FillMessage(DecisionsBeat{}, 0, &message);
  return alive && writer.Write(message);
}

grpc::Status AdminService::WatchDecisions(grpc::ServerContext* context,
                                          const v1::WatchDecisionsRequest* request,
                                          grpc::ServerWriter<v1::WatchDecisionsResponse>* writer) {
  const auto bell = std::make_shared<Bell>();
  DecisionFan& fan = provisioner_.decisions().fan();
  const auto watcher = fan.Add({}, [bell] { bell->Ring(); });
  if (!watcher) return rpc::ToGrpc(watcher.error());
  v1::WatchDecisionsResponse message;
  FillMessage(DecisionsBeat{}, 0, &message);
  bool alive = writer->Write(message);
  if (request->recent() != 0) alive = alive && WriteRecent(request->recent(), *writer);
  auto last = std::chrono::steady_clock::now();
  while (alive && !stop_.stop_requested() && !context->IsCancelled()) {
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
  return stop_.stop_requested()
             ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "the provisioner is stopping")
             : grpc::Status::OK;
}

}  // namespace jitwg::provisioner
