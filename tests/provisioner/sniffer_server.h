// A sniffer behind a real gRPC server on a Unix socket: a test says what it sends and answers.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "jitwg/v1/peer_installer.grpc.pb.h"
#include "lib/rpc/server.h"

namespace jitwg::provisioner {

class SnifferServer {
 public:
  // A new life: its heartbeats carry `instance`.
  SnifferServer(const std::string& socket_path, std::uint64_t instance);
  ~SnifferServer();

  // To whoever watches, now or later.
  void Send(const v1::WatchResponse& message);
  void WaitForWatches(int count);

  // What the installer answers; set before the call.
  void AnswerInstall(v1::InstallPeersResponse response);
  void AnswerList(std::vector<v1::ListPeersResponse> chunks);
  void AnswerWith(grpc::Status status);
  // InstallPeers does not return until its caller gives up.
  void HangInstalls();
  void WaitForInstall();
  v1::InstallPeersRequest last_install() const;
  v1::RemovePeersRequest last_remove() const;

 private:
  class Events;
  class Installer;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::WatchResponse> messages_;
  int watches_ = 0;
  bool stopping_ = false;
  bool hang_ = false;
  int installs_ = 0;
  grpc::Status status_;
  v1::InstallPeersResponse install_response_;
  std::vector<v1::ListPeersResponse> list_chunks_;
  v1::InstallPeersRequest install_request_;
  v1::RemovePeersRequest remove_request_;
  std::unique_ptr<Events> events_;
  std::unique_ptr<Installer> installer_;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace jitwg::provisioner
