// PeerInstaller over gRPC: checks every byte of a request, finds the caller's address for the
// completion strategy, and hands on to the interface's PeerManager, which has the last word.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jitwg/v1/peer_installer.grpc.pb.h"
#include "lib/base/clock.h"
#include "sniffer/call_order.h"
#include "sniffer/completion/completions.h"
#include "sniffer/completion/initiation_table.h"
#include "sniffer/install_statistics.h"
#include "sniffer/interface_table.h"
#include "sniffer/outbound/demand_table.h"

namespace jitwg::sniffer {

// Must outlive the gRPC server.
class InstallerService final
    : public v1::PeerInstaller::WithCallbackMethod_InstallPeers<
          v1::PeerInstaller::WithCallbackMethod_RemovePeers<
              v1::PeerInstaller::WithCallbackMethod_GetInterface<v1::PeerInstaller::Service>>> {
 public:
  static constexpr int kMaxPeersInCall = 256;

  // `demands`: null without --outbound.
  InstallerService(const Clock& clock, InterfaceTable& interfaces,
                   const InitiationTable& initiations, const Completions& completions,
                   DemandTable* demands = nullptr);

  const InstallStatistics& statistics() const { return statistics_; }

  // The calls themselves, for who has another transport than gRPC. Any thread.
  Status DoInstall(const v1::InstallPeersRequest& request, v1::InstallPeersResponse& response);
  Status DoRemove(const v1::RemovePeersRequest& request, v1::RemovePeersResponse& response);
  Status DoGetInterface(const v1::GetInterfaceRequest& request, v1::GetInterfaceResponse& response);

 private:
  grpc::ServerUnaryReactor* InstallPeers(grpc::CallbackServerContext* context,
                                         const v1::InstallPeersRequest* request,
                                         v1::InstallPeersResponse* response) override;
  grpc::ServerUnaryReactor* RemovePeers(grpc::CallbackServerContext* context,
                                        const v1::RemovePeersRequest* request,
                                        v1::RemovePeersResponse* response) override;
  grpc::ServerUnaryReactor* GetInterface(grpc::CallbackServerContext* context,
                                         const v1::GetInterfaceRequest* request,
                                         v1::GetInterfaceResponse* response) override;
  grpc::Status ListPeers(grpc::ServerContext* context, const v1::ListPeersRequest* request,
                         grpc::ServerWriter<v1::ListPeersResponse>* writer) override;

  // What a request asks for; `waiting` names the installations that a caller waits for.
  struct Wanted {
    std::vector<InstallRequest> installs;
    std::vector<std::pair<std::size_t, RememberedInitiation>> waiting;
  };
  // Those who wait for their peer first, then the counters.
  void Settle(const Wanted& wanted, const CompletionStrategy& strategy,
              const InstallResult& installed);
  Result<Wanted> ParseInstalls(const v1::InstallPeersRequest& request,
                               const CompletionStrategy& strategy) const;
  Result<PeerManager*> FindPeers(const std::string& interface) const;
  const CompletionStrategy* FindStrategy(v1::Completion completion) const;
  // Whether the demand that the request names is known, and of one of the peer's addresses here.
  Result<OutboundWish> FindWish(const std::string& interface, const v1::PeerSpec& spec,
                                const std::vector<IpPrefix>& allowed_ips) const;
  // The initiation, if it is remembered and really is of this key on this interface.
  std::optional<RememberedInitiation> FindInitiation(const std::string& interface,
                                                     const PublicKey& key, std::uint64_t id) const;

  const Clock& clock_;
  InterfaceTable& interfaces_;
  const InitiationTable& initiations_;
  const Completions& completions_;
  DemandTable* const demands_;
  CallOrder calls_;
  InstallStatistics statistics_;
};

}  // namespace jitwg::sniffer
