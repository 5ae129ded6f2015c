#include "provisioner/link_convert.h"

#include <algorithm>

#include "lib/rpc/convert.h"

namespace jitwg::provisioner {
namespace {

constexpr std::size_t kMaxInterfaceName = 15;  // IFNAMSIZ less its zero

Result<std::string> ParseName(const std::string& name) {
  if (name.empty() || name.size() > kMaxInterfaceName) {
    return Error{ErrorCode::kInvalidArgument, "an interface's name has 1 to 15 bytes"};
  }
  return name;
}

}  // namespace

Result<HandshakeEvent> ParseEvent(const v1::HandshakeEvent& message) {
  HandshakeEvent event;
  const auto name = ParseName(message.interface());
  if (!name) return name.error();
  const auto key = rpc::ParseKey(message.public_key());
  if (!key) return key.error();
  const auto source = rpc::ParseEndpoint(message.source());
  if (!source) return source.error();
  const auto stamp = rpc::ParseTai64n(message.timestamp());
  if (!stamp) return stamp.error();
  event.initiation_id = message.initiation_id();
  event.interface = *name;
  event.public_key = *key;
  event.source = *source;
  event.timestamp = *stamp;
  event.captured_at = rpc::ToWallTime(message.captured_at());
  event.already_installed = message.already_installed();
  return event;
}

Result<OutboundDemand> ParseDemand(const v1::OutboundDemand& message) {
  const auto name = ParseName(message.interface());
  if (!name) return name.error();
  const std::string& bytes = message.destination();
  const auto destination =
      IpAddress::FromBytes({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  if (!destination) return destination.error();
  if (message.demand_id() == 0) {
    return Error{ErrorCode::kInvalidArgument, "an outbound demand has an id"};
  }
  return OutboundDemand{message.demand_id(), *name, *destination,
                        rpc::ToWallTime(message.asked_at())};
}

Result<PeerResult> ParseResult(const v1::PeerResult& message) {
  const auto key = rpc::ParseKey(message.public_key());
  if (!key) return key.error();
  const int outcome = static_cast<int>(message.outcome());
  const bool is_known = outcome > 0 && outcome <= static_cast<int>(PeerOutcome::kNoEndpoint);
  return PeerResult{*key, is_known ? static_cast<PeerOutcome>(outcome) : PeerOutcome::kUnspecified,
                    message.message()};
}

Result<PeerState> ParseState(const v1::PeerState& message) {
  PeerState state;
  const auto key = rpc::ParseKey(message.public_key());
  if (!key) return key.error();
  auto prefixes = rpc::ParsePrefixes(message.allowed_ips());
  if (!prefixes) return prefixes.error();
  if (!message.newest_timestamp().empty()) {
    const auto stamp = rpc::ParseTai64n(message.newest_timestamp());
    if (!stamp) return stamp.error();
    state.newest_timestamp = *stamp;
  }
  state.public_key = *key;
  state.own = message.own();
  state.allowed_ips = std::move(*prefixes);
  if (message.has_last_handshake()) {
    state.last_handshake = rpc::ToWallTime(message.last_handshake());
  }
  if (message.has_endpoint()) {
    const auto endpoint = rpc::ParseEndpoint(message.endpoint());
    if (!endpoint) return endpoint.error();
    state.endpoint = *endpoint;
  }
  state.rx_bytes = message.rx_bytes();
  state.tx_bytes = message.tx_bytes();
  state.persistent_keepalive = static_cast<std::uint16_t>(
      std::min<std::uint32_t>(message.persistent_keepalive_seconds(), 65535));
  state.has_preshared_key = message.has_preshared_key();
  if (message.has_installed_for()) state.installed_for = rpc::ToDuration(message.installed_for());
  return state;
}

void FillState(const PeerState& state, v1::PeerState* message) {
  message->set_public_key(rpc::ToBytes(state.public_key));
  message->set_own(state.own);
  for (const IpPrefix& prefix : state.allowed_ips) rpc::Fill(prefix, message->add_allowed_ips());
  if (state.endpoint) rpc::Fill(*state.endpoint, message->mutable_endpoint());
  if (state.last_handshake) rpc::Fill(*state.last_handshake, message->mutable_last_handshake());
  message->set_rx_bytes(state.rx_bytes);
  message->set_tx_bytes(state.tx_bytes);
  message->set_persistent_keepalive_seconds(state.persistent_keepalive);
  message->set_has_preshared_key(state.has_preshared_key);
  if (state.installed_for) rpc::Fill(*state.installed_for, message->mutable_installed_for());
  if (state.newest_timestamp) {
    message->set_newest_timestamp(rpc::ToBytes(*state.newest_timestamp));
  }
}

Result<InterfaceState> ParseInterface(const v1::InterfaceState& message) {
  InterfaceState state;
  const auto name = ParseName(message.interface());
  if (!name) return name.error();
  auto prefixes = rpc::ParsePrefixes(message.allowed_prefixes());
  if (!prefixes) return prefixes.error();
  state.interface = *name;
  state.present = message.present();
  state.allowed_prefixes = std::move(*prefixes);
  state.max_peers = message.max_peers();
  state.generation = message.generation();
  return state;
}

void FillSpec(const PeerSpec& spec, v1::PeerSpec* message) {
  message->set_public_key(rpc::ToBytes(spec.public_key));
  if (spec.preshared_key) {
    const auto bytes = spec.preshared_key->bytes();
    message->set_preshared_key(bytes.data(), bytes.size());
  }
  for (const IpPrefix& prefix : spec.allowed_ips) rpc::Fill(prefix, message->add_allowed_ips());
  message->set_persistent_keepalive_seconds(spec.persistent_keepalive);
  message->set_initiation_id(spec.initiation_id);
  message->set_demand_id(spec.demand_id);
  if (spec.suggested_endpoint) {
    rpc::Fill(*spec.suggested_endpoint, message->mutable_suggested_endpoint());
  }
}

void WipeSecrets(v1::InstallPeersRequest& request) {
  for (v1::PeerSpec& peer : *request.mutable_peers()) WipeString(*peer.mutable_preshared_key());
}

v1::Completion ToMessage(Completion completion) {
  switch (completion) {
    case Completion::kSnifferDefault:
      return v1::COMPLETION_UNSPECIFIED;
    case Completion::kRetry:
      return v1::COMPLETION_RETRY;
    case Completion::kInitiate:
      return v1::COMPLETION_INITIATE;
    case Completion::kReinject:
      return v1::COMPLETION_REINJECT;
    case Completion::kHold:
      return v1::COMPLETION_HOLD;
  }
  return v1::COMPLETION_UNSPECIFIED;
}

}  // namespace jitwg::provisioner
