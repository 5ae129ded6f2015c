// A sniffer and a provisioner that say what a test put into them, on real Unix sockets.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "jitwg/v1/admin.grpc.pb.h"
#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "jitwg/v1/peer_installer.grpc.pb.h"
#include "lib/rpc/server.h"

namespace jitwg::ctl {

class FakeSniffer final : public v1::HandshakeEvents::Service {
 public:
  v1::GetStatisticsResponse statistics;
  std::vector<v1::WatchResponse> events;
  std::atomic<bool> stay = true;  // whether Watch waits for the caller to leave

  grpc::Status GetStatistics(grpc::ServerContext*, const v1::GetStatisticsRequest*,
                             v1::GetStatisticsResponse* response) override {
    *response = statistics;
    return grpc::Status::OK;
  }
  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest*,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    for (const auto& event : events) writer->Write(event);
    while (stay && !context->IsCancelled()) std::this_thread::yield();
    return grpc::Status::OK;
  }
};

class FakeInstaller final : public v1::PeerInstaller::Service {
 public:
  std::vector<v1::InterfaceState> interfaces;
  std::vector<v1::PeerState> peers;
  bool interrupted = false;

  grpc::Status GetInterface(grpc::ServerContext*, const v1::GetInterfaceRequest* request,
                            v1::GetInterfaceResponse* response) override {
    for (const auto& state : interfaces) {
      if (request->interface().empty() || request->interface() == state.interface()) {
        *response->add_interfaces() = state;
      }
    }
    if (response->interfaces().empty() && !request->interface().empty()) {
      return {grpc::StatusCode::NOT_FOUND, "interface " + request->interface() + " is not served"};
    }
    return grpc::Status::OK;
  }
  grpc::Status ListPeers(grpc::ServerContext*, const v1::ListPeersRequest* request,
                         grpc::ServerWriter<v1::ListPeersResponse>* writer) override {
    for (const auto& peer : peers) {
      if (request->own_only() && !peer.own()) continue;
      v1::ListPeersResponse response;
      *response.add_peers() = peer;
      response.set_interrupted(interrupted);
      writer->Write(response);
    }
    return grpc::Status::OK;
  }
};

class FakeAdmin final : public v1::Admin::Service {
 public:
  v1::StatusResponse status;
  std::vector<v1::WatchDecisionsResponse> decisions;
  std::atomic<bool> stay = true;
  v1::ExplainResponse explanation;
  v1::EvictRequest evict_request;
  v1::EvictResponse evicted;
  std::string forgotten;
  std::atomic<std::uint32_t> recent = 0;

  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override {
    *response = explanation;
    response->set_public_key(request->public_key());
    return grpc::Status::OK;
  }
  grpc::Status Evict(grpc::ServerContext*, const v1::EvictRequest* request,
                     v1::EvictResponse* response) override {
    evict_request = *request;
    *response = evicted;
    return grpc::Status::OK;
  }
  grpc::Status ForgetTimestamp(grpc::ServerContext*, const v1::ForgetTimestampRequest*,
                               v1::ForgetTimestampResponse* response) override {
    response->set_forgotten_timestamp(forgotten);
    return grpc::Status::OK;
  }
  grpc::Status Status(grpc::ServerContext*, const v1::StatusRequest*,
                      v1::StatusResponse* response) override {
    *response = status;
    return grpc::Status::OK;
  }
  grpc::Status WatchDecisions(grpc::ServerContext* context,
                              const v1::WatchDecisionsRequest* request,
                              grpc::ServerWriter<v1::WatchDecisionsResponse>* writer) override {
    recent = request->recent();
    for (const auto& decision : decisions) writer->Write(decision);
    while (stay && !context->IsCancelled()) std::this_thread::yield();
    return grpc::Status::OK;
  }
};

}  // namespace jitwg::ctl
