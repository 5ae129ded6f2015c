// Admin over gRPC: the provisioner's counters, and its decisions as they are made. Changes nothing.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
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
};

// Must outlive its gRPC server. Watchers are bounded by the DecisionHub.
class AdminService final : public v1::Admin::Service {
 public:
  AdminService(const Clock& clock, Provisioner& provisioner, registry::Registry& registry,
               AdminInfo info);

  // Ends the streams; to be called before the server's Shutdown, which waits for them.
  void Stop() { stopping_.store(true); }

 private:
  grpc::Status Status(grpc::ServerContext* context, const v1::StatusRequest* request,
                      v1::StatusResponse* response) override;
  grpc::Status WatchDecisions(grpc::ServerContext* context,
                              const v1::WatchDecisionsRequest* request,
                              grpc::ServerWriter<v1::WatchDecisionsResponse>* writer) override;

  Provisioner& provisioner_;
  registry::Registry& registry_;
  const AdminInfo info_;
  const WallTime started_at_;
  std::atomic<bool> stopping_{false};
};

// One message of the stream; a beat becomes a heartbeat.
void FillMessage(const DecisionMessage& message, std::uint64_t dropped_before,
                 v1::WatchDecisionsResponse* response);

}  // namespace jitwg::provisioner
