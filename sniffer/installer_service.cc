#include "sniffer/installer_service.h"

#include <algorithm>
#include <span>
#include <utility>

#include "lib/rpc/convert.h"
#include "lib/rpc/status.h"
#include "sniffer/peer_state.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kPeersInChunk = 256;
constexpr std::uint32_t kMaxKeepalive = 65535;

grpc::ServerUnaryReactor* FinishWith(grpc::CallbackServerContext* context, const Status& status) {
  auto* reactor = context->DefaultReactor();
  reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

Error AtPeer(int index, const Error& error) {
  return Error{error.code, "peers[" + std::to_string(index) + "]: " + error.message};
}

Status CheckCount(int count) {
  if (count <= InstallerService::kMaxPeersInCall) return {};
  return Error{ErrorCode::kInvalidArgument, std::to_string(count) +
                                                " peers in one call; send at most " +
                                                std::to_string(InstallerService::kMaxPeersInCall)};
}

Result<CallPlace> ParseOrder(const v1::CallOrder& order) {
  if (order.oldest_open() > order.number()) {
    return Error{ErrorCode::kInvalidArgument, "order: oldest_open exceeds number"};
  }
  return CallPlace{order.caller(), order.number(), order.oldest_open()};
}

// The peer is there now.
bool IsIn(PeerOutcome outcome) {
  return outcome == PeerOutcome::kInstalled || outcome == PeerOutcome::kUpdated ||
         outcome == PeerOutcome::kUnchanged;
}

Result<InstallRequest> ParseSpec(const v1::PeerSpec& spec) {
  InstallRequest request;
  if (!spec.preshared_key().empty()) {
    auto secret = rpc::ParseSecretKey(spec.preshared_key());
    if (!secret) return secret.error();
    if (!secret->IsZero()) request.preshared_key = std::move(*secret);
  }
  const auto key = rpc::ParseKey(spec.public_key());
  if (!key) return key.error();
  request.public_key = *key;
  auto allowed_ips = rpc::ParsePrefixes(spec.allowed_ips());
  if (!allowed_ips) return allowed_ips.error();
  request.allowed_ips = std::move(*allowed_ips);
  if (spec.persistent_keepalive_seconds() > kMaxKeepalive) {
    return Error{ErrorCode::kInvalidArgument, "persistent_keepalive_seconds exceeds 65535"};
  }
  request.persistent_keepalive = static_cast<std::uint16_t>(spec.persistent_keepalive_seconds());
  return request;
}

// The message's enum has one value more, at the front.
constexpr v1::PeerOutcome ToMessage(PeerOutcome outcome) {
  return static_cast<v1::PeerOutcome>(static_cast<int>(outcome) + 1);
}
static_assert(ToMessage(PeerOutcome::kInstalled) == v1::PEER_OUTCOME_INSTALLED);
static_assert(ToMessage(PeerOutcome::kRemoved) == v1::PEER_OUTCOME_REMOVED);
static_assert(ToMessage(PeerOutcome::kRefusedPrefix) == v1::PEER_OUTCOME_REFUSED_PREFIX);
static_assert(ToMessage(PeerOutcome::kFailed) == v1::PEER_OUTCOME_FAILED);
static_assert(ToMessage(PeerOutcome::kNoEndpoint) == v1::PEER_OUTCOME_NO_ENDPOINT);
static_assert(v1::PEER_OUTCOME_NO_ENDPOINT == v1::PeerOutcome_MAX && kPeerOutcomeCount == 12);

void Fill(const PeerResult& result, v1::PeerResult* message) {
  message->set_public_key(rpc::ToBytes(result.public_key));
  message->set_outcome(ToMessage(result.outcome));
  message->set_message(result.message);
}

}  // namespace

InstallerService::InstallerService(const Clock& clock, InterfaceTable& interfaces,
                                   const InitiationTable& initiations,
                                   const Completions& completions, DemandTable* demands)
    : clock_(clock),
      interfaces_(interfaces),
      initiations_(initiations),
      completions_(completions),
      demands_(demands) {}

grpc::ServerUnaryReactor* InstallerService::InstallPeers(grpc::CallbackServerContext* context,
                                                         const v1::InstallPeersRequest* request,
                                                         v1::InstallPeersResponse* response) {
  const Status done = DoInstall(*request, *response);
  // gRPC hands out its own message as const; it is not, and the secrets in it must not outlive the
  // call, whatever became of it.
  for (v1::PeerSpec& peer : *const_cast<v1::InstallPeersRequest*>(request)->mutable_peers()) {
    WipeString(*peer.mutable_preshared_key());
  }
  return FinishWith(context, done);
}

grpc::ServerUnaryReactor* InstallerService::RemovePeers(grpc::CallbackServerContext* context,
                                                        const v1::RemovePeersRequest* request,
                                                        v1::RemovePeersResponse* response) {
  return FinishWith(context, DoRemove(*request, *response));
}

grpc::ServerUnaryReactor* InstallerService::GetInterface(grpc::CallbackServerContext* context,
                                                         const v1::GetInterfaceRequest* request,
                                                         v1::GetInterfaceResponse* response) {
  return FinishWith(context, DoGetInterface(*request, *response));
}

Status InstallerService::DoInstall(const v1::InstallPeersRequest& request,
                                   v1::InstallPeersResponse& response) {
  if (const Status count = CheckCount(request.peers_size()); !count) return count.error();
  const CompletionStrategy* strategy = FindStrategy(request.completion());
  if (strategy == nullptr) {
    return Error{ErrorCode::kInvalidArgument,
                 "this sniffer has not that completion; it has: " + completions_.Names()};
  }
  const auto peers = FindPeers(request.interface());
  if (!peers) return peers.error();
  const auto place = ParseOrder(request.order());
  if (!place) return place.error();
  const auto wanted = ParseInstalls(request, *strategy);
  if (!wanted) return wanted.error();
  calls_.Note(*place);
  const SteadyTime begun = clock_.SteadyNow();
  const InstallResult installed =
      (*peers)->Install(wanted->installs, [this, &place] { return calls_.IsOpen(*place); });
  const SteadyTime ended = clock_.SteadyNow();
  Settle(*wanted, *strategy, installed);
  statistics_.install_time.Observe(ended - begun);
  (*peers)->LogInstalled(installed);
  for (const PeerResult& result : installed.results) Fill(result, response.add_results());
  return {};
}

void InstallerService::Settle(const Wanted& wanted, const CompletionStrategy& strategy,
                              const InstallResult& installed) {
  for (const auto& [index, initiation] : wanted.waiting) {
    const PeerOutcome outcome = installed.results[index].outcome;
    if (!IsIn(outcome)) continue;
    const SteadyTime now = clock_.SteadyNow();
    strategy.AfterInstall(initiation, now);
    if (outcome == PeerOutcome::kInstalled) {
      statistics_.packet_to_installed.Observe(now - initiation.captured_at);
    }
  }
  for (const PeerResult& result : installed.results) statistics_.Count(result.outcome);
}

Result<InstallerService::Wanted> InstallerService::ParseInstalls(
    const v1::InstallPeersRequest& request, const CompletionStrategy& strategy) const {
  Wanted wanted;
  for (int i = 0; i < request.peers_size(); ++i) {
    auto install = ParseSpec(request.peers(i));
    if (!install) return AtPeer(i, install.error());
    const auto initiation =
        FindInitiation(request.interface(), install->public_key, request.peers(i).initiation_id());
    if (initiation) {
      CompletionHint hint = strategy.Prepare(*initiation, clock_.SteadyNow());
      install->endpoint = hint.endpoint;
      install->kick = hint.kick;
      install->newest_timestamp = initiation->timestamp;
      wanted.waiting.emplace_back(wanted.installs.size(), *initiation);
    } else if (request.peers(i).demand_id() != 0) {
      auto wish = FindWish(request.interface(), request.peers(i), install->allowed_ips);
      if (!wish) return AtPeer(i, wish.error());
      install->outbound = *wish;
    }
    wanted.installs.push_back(std::move(*install));
  }
  return wanted;
}

Status InstallerService::DoRemove(const v1::RemovePeersRequest& request,
                                  v1::RemovePeersResponse& response) {
  if (const Status count = CheckCount(request.public_keys_size()); !count) return count.error();
  const auto peers = FindPeers(request.interface());
  if (!peers) return peers.error();
  const auto place = ParseOrder(request.order());
  if (!place) return place.error();
  std::vector<PublicKey> keys;
  for (int i = 0; i < request.public_keys_size(); ++i) {
    const auto key = rpc::ParseKey(request.public_keys(i));
    if (!key) return AtPeer(i, key.error());
    keys.push_back(*key);
  }
  calls_.Note(*place);
  const RemoveResult removed =
      (*peers)->Remove(keys, [this, &place] { return calls_.IsOpen(*place); });
  for (const PeerResult& result : removed.results) statistics_.Count(result.outcome);
  for (const PeerResult& result : removed.results) Fill(result, response.add_results());
  return {};
}

grpc::Status InstallerService::ListPeers(grpc::ServerContext*, const v1::ListPeersRequest* request,
                                         grpc::ServerWriter<v1::ListPeersResponse>* writer) {
  const auto peers = FindPeers(request->interface());
  if (!peers) return rpc::ToGrpc(peers.error());
  auto list = (*peers)->List();
  if (!list) return rpc::ToGrpc(list.error());

  v1::ListPeersResponse chunk;
  chunk.set_interrupted(list->interrupted);
  std::size_t in_chunk = 0;
  for (const ListedPeer& peer : list->peers) {
    if (request->own_only() && !peer.own) continue;
    FillPeerState(peer, chunk.add_peers());
    if (++in_chunk < kPeersInChunk) continue;
    if (!writer->Write(chunk)) return grpc::Status::CANCELLED;
    chunk.clear_peers();
    in_chunk = 0;
  }
  // The last chunk may be empty: it carries `interrupted`.
  writer->Write(chunk);
  return grpc::Status::OK;
}

Status InstallerService::DoGetInterface(const v1::GetInterfaceRequest& request,
                                        v1::GetInterfaceResponse& response) {
  if (!request.interface().empty()) {
    if (const auto peers = FindPeers(request.interface()); !peers) return peers.error();
  }
  for (const InterfaceState& state : interfaces_.States()) {
    if (!request.interface().empty() && request.interface() != state.name) continue;
    v1::InterfaceState& message = *response.add_interfaces();
    message.set_interface(state.name);
    message.set_present(state.present);
    if (!state.public_key.IsZero()) message.set_public_key(rpc::ToBytes(state.public_key));
    message.set_listen_port(state.listen_port);
    message.set_backend(std::string(interfaces_.Backend(state.name)));
    message.set_problem(state.problem);
    message.set_generation(state.generation);
    const PeerManager& peers = *interfaces_.FindPeers(state.name);
    const GuardPolicy policy = peers.policy();
    for (const IpPrefix& prefix : policy.allowed_prefixes) {
      rpc::Fill(prefix, message.add_allowed_prefixes());
    }
    message.set_max_peers(static_cast<std::uint32_t>(policy.max_peers));
    message.set_own_peers(static_cast<std::uint32_t>(peers.own_count()));
  }
  return {};
}

Result<PeerManager*> InstallerService::FindPeers(const std::string& interface) const {
  PeerManager* peers = interfaces_.FindPeers(interface);
  if (peers != nullptr) return peers;
  std::string served;
  for (const InterfaceState& state : interfaces_.States()) served += " " + state.name;
  return Error{ErrorCode::kNotFound, "interface '" + interface.substr(0, 40) +
                                         "' is not served here; these are:" + served};
}

const CompletionStrategy* InstallerService::FindStrategy(v1::Completion completion) const {
  switch (completion) {
    case v1::COMPLETION_UNSPECIFIED:
      return completions_.Find(completions_.chosen());
    case v1::COMPLETION_RETRY:
      return completions_.Find(CompletionKind::kRetry);
    case v1::COMPLETION_INITIATE:
      return completions_.Find(CompletionKind::kInitiate);
    case v1::COMPLETION_REINJECT:
      return completions_.Find(CompletionKind::kReinject);
    case v1::COMPLETION_HOLD:
      return completions_.Find(CompletionKind::kHold);
    default:
      return nullptr;
  }
}

Result<OutboundWish> InstallerService::FindWish(const std::string& interface,
                                                const v1::PeerSpec& spec,
                                                const std::vector<IpPrefix>& allowed_ips) const {
  OutboundWish wish;
  if (spec.has_suggested_endpoint()) {
    const auto endpoint = rpc::ParseEndpoint(spec.suggested_endpoint());
    if (!endpoint) return endpoint.error();
    wish.suggested_endpoint = *endpoint;
  }
  if (demands_ == nullptr) return wish;
  const auto demand = demands_->Take(spec.demand_id(), clock_.SteadyNow());
  wish.was_asked = demand && demand->interface == interface &&
                   std::any_of(allowed_ips.begin(), allowed_ips.end(), [&](const IpPrefix& prefix) {
                     return prefix.Contains(demand->destination);
                   });
  return wish;
}

std::optional<RememberedInitiation> InstallerService::FindInitiation(const std::string& interface,
                                                                     const PublicKey& key,
                                                                     std::uint64_t id) const {
  auto initiation = initiations_.Find(id);
  if (!initiation || initiation->interface != interface || initiation->public_key != key) {
    return std::nullopt;
  }
  return initiation;
}

}  // namespace jitwg::sniffer
