// Admin over gRPC: the provisioner's counters, its decisions as they are made, and what a person
// may ask of it. Only turns messages into calls.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <stop_token>
#include <string>

#include "jitwg/v1/admin.grpc.pb.h"
#include "lib/base/clock.h"
#include "lib/registry/registry.h"
#include "provisioner/provisioner.h"

namespace jitwg::provisioner {

struct AdminInfo {
  std::string version;
  std::string registry_kind;  // e.g. "sqlite"
  std::chrono::milliseconds heartbeat{5000};
  const CachedRegistry* cache = nullptr;  // if there is one, it and its store outlive the service
  PeerCacheStore* cache_store = nullptr;
};

// Must outlive its gRPC server. Watchers are bounded by the DecisionHub.
class AdminService final : public v1::Admin::Service {
 public:
  AdminService(const Clock& clock, Provisioner& provisioner, registry::Registry& registry,
               AdminInfo info);

  // Ends streams and calls; to be called before the server's Shutdown, which waits for them.
  void Stop() { stop_.request_stop(); }

 private:
  grpc::Status Status(grpc::ServerContext* context, const v1::StatusRequest* request,
                      v1::StatusResponse* response) override;
  grpc::Status Explain(grpc::ServerContext* context, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override;
  grpc::Status Evict(grpc::ServerContext* context, const v1::EvictRequest* request,
                     v1::EvictResponse* response) override;
  grpc::Status ForgetTimestamp(grpc::ServerContext* context,
                               const v1::ForgetTimestampRequest* request,
                               v1::ForgetTimestampResponse* response) override;
  grpc::Status WatchDecisions(grpc::ServerContext* context,
                              const v1::WatchDecisionsRequest* request,
                              grpc::ServerWriter<v1::WatchDecisionsResponse>* writer) override;

  void FillCache(v1::CacheStatus* message) const;
  // The last decisions and a heartbeat; false: the caller has gone.
  bool WriteRecent(std::uint32_t count, grpc::ServerWriter<v1::WatchDecisionsResponse>& writer);

  Provisioner& provisioner_;
  registry::Registry& registry_;
  const AdminInfo info_;
  const WallTime started_at_;
  std::stop_source stop_;
};

}  // namespace jitwg::provisioner
