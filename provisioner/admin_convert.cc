#include "provisioner/admin_convert.h"

#include <variant>

#include "lib/rpc/convert.h"
#include "provisioner/link_convert.h"

namespace jitwg::provisioner {
namespace {

void FillDecision(const Decision& decision, v1::Decision* message) {
  const HandshakeEvent& event = decision.event;
  rpc::Fill(decision.decided_at, message->mutable_decided_at());
  message->set_interface(event.interface);
  if (!event.public_key.IsZero()) message->set_public_key(rpc::ToBytes(event.public_key));
  if (decision.destination) {
    const auto bytes = decision.destination->bytes();
    message->set_destination(bytes.data(), bytes.size());
  } else {
    rpc::Fill(event.source, message->mutable_source());
    message->set_timestamp(rpc::ToBytes(event.timestamp));
  }
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

void FillRecord(const registry::Peer& peer, v1::RegistryRecord* record) {
  record->set_name(peer.name);
  record->set_network(peer.network);
  for (const IpPrefix& prefix : peer.allowed_ips) rpc::Fill(prefix, record->add_allowed_ips());
  record->set_has_preshared_key(peer.preshared_key.has_value());
  record->set_persistent_keepalive_seconds(peer.persistent_keepalive);
  record->set_pinned(peer.pinned);
  record->set_gateway(peer.gateway);
  record->set_enabled(peer.enabled);
  if (peer.expires_at) rpc::Fill(*peer.expires_at, record->mutable_expires_at());
  rpc::Fill(peer.updated_at, record->mutable_updated_at());
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

void FillExplanation(const PublicKey& key, const Explanation& explanation,
                     v1::ExplainResponse* response) {
  response->set_public_key(rpc::ToBytes(key));
  if (!explanation.record) {
    response->set_registry_problem(explanation.record.error().message);
  } else if (*explanation.record) {
    FillRecord(**explanation.record, response->mutable_record());
  }
  if (explanation.cached_age) rpc::Fill(*explanation.cached_age, response->mutable_cached_age());
  for (const InterfaceView& view : explanation.interfaces) {
    v1::InterfaceView* message = response->add_interfaces();
    message->set_interface(view.interface);
    message->set_verdict(view.verdict);
    if (view.installed) FillState(*view.installed, message->mutable_installed());
  }
  for (const Decision& decision : explanation.decisions) {
    FillDecision(decision, response->add_decisions());
  }
  if (!explanation.newest_timestamp) {
    response->set_replay_problem(explanation.newest_timestamp.error().message);
  } else if (*explanation.newest_timestamp) {
    response->set_newest_timestamp(rpc::ToBytes(**explanation.newest_timestamp));
  }
  if (!explanation.listed) response->set_sniffer_problem(explanation.listed.error().message);
}

Result<EvictionWish> ParseWish(const v1::EvictRequest& request) {
  EvictionWish wish;
  if (!request.public_key().empty()) {
    const auto key = rpc::ParseKey(request.public_key());
    if (!key) return key.error();
    wish.key = *key;
  }
  if (request.has_idle_for()) {
    wish.idle_for = rpc::ToDuration(request.idle_for());
    if (*wish.idle_for < std::chrono::nanoseconds(0)) {
      return Error{ErrorCode::kInvalidArgument, "an idle time is not negative"};
    }
  }
  wish.all = request.all();
  wish.interface = request.interface();
  return wish;
}

void FillOutcome(const EvictionOutcome& outcome, v1::EvictResponse* response) {
  for (const EvictedPeer& peer : outcome.peers) {
    v1::EvictResult* result = response->add_results();
    result->set_interface(peer.id.interface);
    result->set_public_key(rpc::ToBytes(peer.id.public_key));
    result->set_outcome(static_cast<v1::PeerOutcome>(peer.outcome));
    result->set_message(peer.message);
    result->set_pinned(peer.pinned);
  }
  if (!outcome.status) response->set_problem(outcome.status.error().message);
}

}  // namespace jitwg::provisioner
