// SnifferLink over gRPC.
#pragma once

#include <grpcpp/channel.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "jitwg/v1/peer_installer.grpc.pb.h"
#include "provisioner/call_numbers.h"
#include "provisioner/sniffer_link.h"

namespace jitwg::provisioner {

struct SnifferLinkTimes {
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds last_backoff{5000};
  std::chrono::milliseconds max_silence{15000};
  std::chrono::milliseconds install{5000};
  std::chrono::milliseconds remove{10000};
  std::chrono::milliseconds list{60000};  // a dump of half a million peers takes seconds
  std::chrono::milliseconds interface { 3000 };
};

class GrpcSnifferLink final : public SnifferLink {
 public:
  explicit GrpcSnifferLink(std::shared_ptr<grpc::Channel> channel, SnifferLinkTimes times = {});
  // Cancels the installs under way, and waits for their callbacks.
  ~GrpcSnifferLink() override;

  void Watch(SnifferListener& listener, const std::stop_token& stop) override;
  void Install(const std::string& interface, std::vector<PeerSpec> peers, Completion completion,
               InstallCallback done) override;
  Result<std::vector<PeerResult>> Remove(const std::string& interface,
                                         const std::vector<PublicKey>& keys,
                                         const std::stop_token& stop) override;
  Result<PeerList> List(const std::string& interface, const std::stop_token& stop) override;
  Result<std::vector<InterfaceState>> GetInterfaces(const std::stop_token& stop) override;

 private:
  struct InstallCall;

  void InstallEnded(const std::shared_ptr<InstallCall>& call);

  const SnifferLinkTimes times_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::HandshakeEvents::Stub> events_;
  const std::unique_ptr<v1::PeerInstaller::Stub> installer_;
  CallNumbers numbers_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::unordered_set<std::shared_ptr<InstallCall>> installs_;
};

}  // namespace jitwg::provisioner
