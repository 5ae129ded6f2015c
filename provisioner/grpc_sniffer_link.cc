#include "provisioner/grpc_sniffer_link.h"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <random>
#include <utility>

#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"
#include "lib/rpc/status.h"
#include "provisioner/backoff.h"
#include "provisioner/event_stream.h"
#include "provisioner/link_convert.h"

namespace jitwg::provisioner {
namespace {

constexpr std::size_t kMaxListedPeers = 1U << 20;  // MAX_PEERS_PER_DEVICE of the kernel

template <class Response>
Result<std::vector<PeerResult>> ParseResults(const Response& response) {
  std::vector<PeerResult> results;
  results.reserve(static_cast<std::size_t>(response.results_size()));
  for (const v1::PeerResult& message : response.results()) {
    auto result = ParseResult(message);
    if (!result) return result.error();
    results.push_back(std::move(*result));
  }
  return results;
}

// Deadline and cancellation of a blocking call.
class CallScope {
 public:
  CallScope(std::chrono::milliseconds timeout, const std::stop_token& stop)
      : on_stop_(stop, [this] { context_.TryCancel(); }) {
    rpc::SetTimeout(context_, timeout);
  }
  grpc::ClientContext* context() { return &context_; }

 private:
  grpc::ClientContext context_;
  std::stop_callback<std::function<void()>> on_stop_;
};

std::uint64_t RandomCaller() {
  std::random_device random;
  return (std::uint64_t{random()} << 32U) | random() | 1U;
}

void SleepUnlessStopped(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

struct GrpcSnifferLink::InstallCall {
  grpc::ClientContext context;
  v1::InstallPeersRequest request;
  v1::InstallPeersResponse response;
  InstallCallback done;
};

GrpcSnifferLink::GrpcSnifferLink(std::shared_ptr<grpc::Channel> channel, SnifferLinkTimes times)
    : times_(times),
      channel_(std::move(channel)),
      events_(v1::HandshakeEvents::NewStub(channel_)),
      installer_(v1::PeerInstaller::NewStub(channel_)),
      numbers_(RandomCaller()) {}

GrpcSnifferLink::~GrpcSnifferLink() {
  std::unique_lock lock(mutex_);
  const auto installs = installs_;
  lock.unlock();
  // Without the lock: gRPC may run a call's callback inside TryCancel.
  for (const auto& call : installs) call->context.TryCancel();
  lock.lock();
  ended_.wait(lock, [this] { return installs_.empty(); });
}

void GrpcSnifferLink::Watch(SnifferListener& listener, const std::stop_token& stop) {
  Backoff backoff(times_.first_backoff, times_.last_backoff, std::random_device{}());
  while (!stop.stop_requested()) {
    EventStream stream(listener, times_.max_silence);
    const Error why = stream.Run(*events_, stop);
    if (stop.stop_requested()) return;
    if (stream.was_alive()) backoff.Reset();
    listener.OnDisconnected(why);
    SleepUnlessStopped(backoff.Next(), stop);
  }
}

void GrpcSnifferLink::Install(const std::string& interface, std::vector<PeerSpec> peers,
                              Completion completion, InstallCallback done) {
  const auto call = std::make_shared<InstallCall>();
  call->done = std::move(done);
  call->request.set_interface(interface);
  call->request.set_completion(ToMessage(completion));
  for (const PeerSpec& peer : peers) FillSpec(peer, call->request.add_peers());
  *call->request.mutable_order() = numbers_.Begin();
  rpc::SetTimeout(call->context, times_.install);
  {
    const std::lock_guard lock(mutex_);
    installs_.insert(call);
  }
  installer_->async()->InstallPeers(&call->context, &call->request, &call->response,
                                    [this, call](const grpc::Status& status) {
                                      numbers_.End(call->request.order());
                                      WipeSecrets(call->request);
                                      const Status outcome = rpc::FromGrpc(status, "InstallPeers");
                                      if (outcome) {
                                        call->done(ParseResults(call->response));
                                      } else {
                                        call->done(outcome.error());
                                      }
                                      InstallEnded(call);
                                    });
}

void GrpcSnifferLink::InstallEnded(const std::shared_ptr<InstallCall>& call) {
  const std::lock_guard lock(mutex_);
  installs_.erase(call);
  ended_.notify_all();
}

Result<std::vector<PeerResult>> GrpcSnifferLink::Remove(const std::string& interface,
                                                        const std::vector<PublicKey>& keys,
                                                        const std::stop_token& stop) {
  CallScope call(times_.remove, stop);
  v1::RemovePeersRequest request;
  request.set_interface(interface);
  for (const PublicKey& key : keys) request.add_public_keys(rpc::ToBytes(key));
  *request.mutable_order() = numbers_.Begin();
  v1::RemovePeersResponse response;
  const Status status =
      rpc::FromGrpc(installer_->RemovePeers(call.context(), request, &response), "RemovePeers");
  numbers_.End(request.order());
  if (!status) return status.error();
  auto results = ParseResults(response);
  if (results && results->size() != keys.size()) {
    return Error{ErrorCode::kInternal, "RemovePeers answered for another number of peers"};
  }
  return results;
}

Result<PeerList> GrpcSnifferLink::List(const std::string& interface, const std::stop_token& stop) {
  CallScope call(times_.list, stop);
  v1::ListPeersRequest request;
  request.set_interface(interface);
  request.set_own_only(true);
  const auto reader = installer_->ListPeers(call.context(), request);
  PeerList list;
  v1::ListPeersResponse chunk;
  Status sound;
  while (sound && reader->Read(&chunk)) {
    list.interrupted |= chunk.interrupted();
    for (const v1::PeerState& message : chunk.peers()) {
      auto state = ParseState(message);
      if (!state) {
        sound = state.error();
      } else if (list.peers.size() >= kMaxListedPeers) {
        sound = Error{ErrorCode::kResourceExhausted, "ListPeers sent more peers than a kernel has"};
      }
      if (!sound) break;
      list.peers.push_back(std::move(*state));
    }
  }
  if (!sound) call.context()->TryCancel();
  const Status status = rpc::FromGrpc(reader->Finish(), "ListPeers");
  if (!sound) return sound.error();
  if (!status) return status.error();
  return list;
}

Result<std::vector<InterfaceState>> GrpcSnifferLink::GetInterfaces(const std::stop_token& stop) {
  CallScope call(times_.interface, stop);
  v1::GetInterfaceResponse response;
  const Status status =
      rpc::FromGrpc(installer_->GetInterface(call.context(), v1::GetInterfaceRequest(), &response),
                    "GetInterface");
  if (!status) return status.error();
  std::vector<InterfaceState> states;
  for (const v1::InterfaceState& message : response.interfaces()) {
    auto state = ParseInterface(message);
    if (!state) return state.error();
    states.push_back(std::move(*state));
  }
  return states;
}

}  // namespace jitwg::provisioner
