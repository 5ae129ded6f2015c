#include "tests/provisioner/sniffer_server.h"

#include <cstdlib>
#include <utility>

namespace jitwg::provisioner {

class SnifferServer::Events final : public v1::HandshakeEvents::Service {
 public:
  Events(SnifferServer& server, std::uint64_t instance) : server_(server), instance_(instance) {}

  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* /*request*/,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    v1::WatchResponse first;
    first.mutable_heartbeat()->set_sniffer_instance(instance_);
    writer->Write(first);
    std::unique_lock lock(server_.mutex_);
    ++server_.watches_;
    server_.changed_.notify_all();
    while (!server_.stopping_ && !context->IsCancelled()) {
      if (server_.messages_.empty()) {
        server_.changed_.wait_for(lock, std::chrono::milliseconds(10));
        continue;
      }
      const v1::WatchResponse message = std::move(server_.messages_.front());
      server_.messages_.pop_front();
      lock.unlock();
      writer->Write(message);
      lock.lock();
    }
    return grpc::Status::OK;
  }

 private:
  SnifferServer& server_;
  const std::uint64_t instance_;
};

class SnifferServer::Installer final : public v1::PeerInstaller::Service {
 public:
  explicit Installer(SnifferServer& server) : server_(server) {}

  grpc::Status InstallPeers(grpc::ServerContext* context, const v1::InstallPeersRequest* request,
                            v1::InstallPeersResponse* response) override {
    std::unique_lock lock(server_.mutex_);
    server_.install_request_ = *request;
    ++server_.installs_;
    server_.changed_.notify_all();
    while (server_.hang_ && !server_.stopping_ && !context->IsCancelled()) {
      server_.changed_.wait_for(lock, std::chrono::milliseconds(10));
    }
    *response = server_.install_response_;
    return server_.status_;
  }

  grpc::Status RemovePeers(grpc::ServerContext* /*context*/, const v1::RemovePeersRequest* request,
                           v1::RemovePeersResponse* response) override {
    const std::lock_guard lock(server_.mutex_);
    server_.remove_request_ = *request;
    for (const std::string& key : request->public_keys()) {
      v1::PeerResult* result = response->add_results();
      result->set_public_key(key);
      result->set_outcome(v1::PEER_OUTCOME_REMOVED);
    }
    return server_.status_;
  }

  grpc::Status ListPeers(grpc::ServerContext* /*context*/, const v1::ListPeersRequest* request,
                         grpc::ServerWriter<v1::ListPeersResponse>* writer) override {
    const std::lock_guard lock(server_.mutex_);
    if (!request->own_only()) return {grpc::StatusCode::INVALID_ARGUMENT, "own peers are enough"};
    for (const auto& chunk : server_.list_chunks_) writer->Write(chunk);
    return server_.status_;
  }

  grpc::Status GetInterface(grpc::ServerContext* /*context*/,
                            const v1::GetInterfaceRequest* /*request*/,
                            v1::GetInterfaceResponse* response) override {
    const std::lock_guard lock(server_.mutex_);
    v1::InterfaceState* state = response->add_interfaces();
    state->set_interface("wg0");
    state->set_present(true);
    state->set_generation(7);
    v1::IpPrefix* prefix = state->add_allowed_prefixes();
    prefix->set_address(std::string("\x0a\0\0\0", 4));
    prefix->set_length(8);
    return server_.status_;
  }

 private:
  SnifferServer& server_;
};

SnifferServer::SnifferServer(const std::string& socket_path, std::uint64_t instance)
    : events_(std::make_unique<Events>(*this, instance)),
      installer_(std::make_unique<Installer>(*this)) {
  rpc::ServerOptions options;
  options.socket_path = socket_path;
  auto server = rpc::Server::Start(options, {events_.get(), installer_.get()});
  if (!server) std::abort();
  server_ = std::move(*server);
}

SnifferServer::~SnifferServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  server_.reset();
}

void SnifferServer::Send(const v1::WatchResponse& message) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(message);
  changed_.notify_all();
}

void SnifferServer::WaitForWatches(int count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return watches_ >= count; });
}

void SnifferServer::AnswerInstall(v1::InstallPeersResponse response) {
  const std::lock_guard lock(mutex_);
  install_response_ = std::move(response);
}

void SnifferServer::AnswerList(std::vector<v1::ListPeersResponse> chunks) {
  const std::lock_guard lock(mutex_);
  list_chunks_ = std::move(chunks);
}

void SnifferServer::AnswerWith(grpc::Status status) {
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

void SnifferServer::HangInstalls() {
  const std::lock_guard lock(mutex_);
  hang_ = true;
}

void SnifferServer::WaitForInstall() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return installs_ > 0; });
}

v1::InstallPeersRequest SnifferServer::last_install() const {
  const std::lock_guard lock(mutex_);
  return install_request_;
}

v1::RemovePeersRequest SnifferServer::last_remove() const {
  const std::lock_guard lock(mutex_);
  return remove_request_;
}

}  // namespace jitwg::provisioner
