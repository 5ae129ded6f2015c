// Calls to the two daemons, each with a deadline. Errors say which daemon, where, and what to do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ctl/command.h"
#include "jitwg/v1/admin.grpc.pb.h"
#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "jitwg/v1/peer_installer.grpc.pb.h"

namespace jitwg::ctl {

class SnifferClient {
 public:
  // Connects at the first call.
  static Result<SnifferClient> Make(const CommonOptions& options);

  Result<v1::GetStatisticsResponse> Statistics();
  // One interface, or all when the name is empty. kNotFound: not served.
  Result<std::vector<v1::InterfaceState>> Interfaces(const std::string& name);
  struct Peers {
    std::vector<v1::PeerState> peers;
    bool interrupted = false;  // the list changed while it was read
  };
  Result<Peers> ListPeers(const std::string& interface, bool own_only);

  v1::HandshakeEvents::Stub& events() { return *events_; }
  // What a failed call means to an operator, or a stream that ended though nobody asked it to.
  Error Explain(const grpc::Status& status) const;

 private:
  std::string address_;
  std::unique_ptr<v1::HandshakeEvents::Stub> events_;
  std::unique_ptr<v1::PeerInstaller::Stub> installer_;
};

class ProvisionerClient {
 public:
  static Result<ProvisionerClient> Make(const CommonOptions& options);

  Result<v1::StatusResponse> GetStatus();
  Result<v1::ExplainResponse> ExplainPeer(const PublicKey& key);
  Result<v1::EvictResponse> Evict(const v1::EvictRequest& request);
  Result<v1::ForgetTimestampResponse> ForgetTimestamp(const PublicKey& key);

  v1::Admin::Stub& admin() { return *admin_; }
  Error Explain(const grpc::Status& status) const;

 private:
  std::string address_;
  std::unique_ptr<v1::Admin::Stub> admin_;
};

}  // namespace jitwg::ctl
