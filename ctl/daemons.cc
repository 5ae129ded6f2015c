#include "ctl/daemons.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "ctl/format.h"
#include "lib/rpc/address.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"
#include "lib/rpc/status.h"

namespace jitwg::ctl {
namespace {

// For calls that list the peers of an interface: a hundred thousand take seconds.
constexpr auto kListTimeout = 12 * kCallTimeout;

// What stands at a Unix socket's path, from which follows what to do.
std::string SocketProblem(const std::string& daemon, const std::string& path,
                          const std::string& flag) {
  struct stat found {};
  const std::string elsewhere = "; --" + flag + " names another";
  if (::stat(path.c_str(), &found) != 0) {
    if (errno == EACCES) {
      return "this user may not enter its directory: run it as root, or as a member of the "
             "directory's group";
    }
    return "there is no such socket: is the " + daemon + " running?" + elsewhere;
  }
  if (!S_ISSOCK(found.st_mode)) return "that is no socket" + elsewhere;
  if (::access(path.c_str(), W_OK) == 0) {
    return "nobody listens there: the " + daemon + " has ended, or is starting";
  }
  std::array<char, 4096> room{};
  group entry{};
  group* known = nullptr;
  ::getgrgid_r(found.st_gid, &entry, room.data(), room.size(), &known);
  return "this user may not open it: run it as root, or as a member of the group " +
         (known != nullptr ? std::string(entry.gr_name) : std::to_string(found.st_gid));
}

Error ExplainFor(const std::string& daemon, const std::string& address, const std::string& flag,
                 const grpc::Status& status) {
  if (status.ok()) {
    return {ErrorCode::kUnavailable,
            "the " + daemon + " at " + address + " ended its stream; it may be restarting"};
  }
  Error error = rpc::FromGrpc(status, daemon).error();
  error.message = Clean(error.message);
  if (error.code == ErrorCode::kUnavailable) {
    const auto where = rpc::ParseAddress(address);
    error.message = "cannot reach the " + daemon + " at " + address;
    if (where && where->is_unix()) {
      error.message += ": " + SocketProblem(daemon, where->socket_path, flag);
    } else {
      error.message += "; is it running, do both sides' --tls-ca vouch for the other, is --" +
                       flag + " right? (" + Clean(status.error_message()) + ")";
    }
  } else if (error.code == ErrorCode::kDeadlineExceeded) {
    error.message = "the " + daemon + " at " + address + " does not answer in time";
  }
  return error;
}

}  // namespace

Result<SnifferClient> SnifferClient::Make(const CommonOptions& options) {
  auto channel = rpc::MakeChannel(options.sniffer, options.tls);
  if (!channel) return channel.error();
  SnifferClient client;
  client.address_ = options.sniffer;
  client.events_ = v1::HandshakeEvents::NewStub(*channel);
  client.installer_ = v1::PeerInstaller::NewStub(*channel);
  return client;
}

Error SnifferClient::Explain(const grpc::Status& status) const {
  return ExplainFor("sniffer", address_, "sniffer", status);
}

Result<v1::GetStatisticsResponse> SnifferClient::Statistics() {
  grpc::ClientContext context;
  rpc::SetTimeout(context, kCallTimeout);
  v1::GetStatisticsResponse response;
  const auto status = events_->GetStatistics(&context, {}, &response);
  if (!status.ok()) return Explain(status);
  return response;
}

Result<std::vector<v1::InterfaceState>> SnifferClient::Interfaces(const std::string& name) {
  grpc::ClientContext context;
  rpc::SetTimeout(context, kCallTimeout);
  v1::GetInterfaceRequest request;
  request.set_interface(name);
  v1::GetInterfaceResponse response;
  const auto status = installer_->GetInterface(&context, request, &response);
  if (!status.ok()) return Explain(status);
  return std::vector<v1::InterfaceState>(response.interfaces().begin(),
                                         response.interfaces().end());
}

Result<SnifferClient::Peers> SnifferClient::ListPeers(const std::string& interface, bool own_only) {
  grpc::ClientContext context;
  rpc::SetTimeout(context, kListTimeout);
  v1::ListPeersRequest request;
  request.set_interface(interface);
  request.set_own_only(own_only);
  const auto reader = installer_->ListPeers(&context, request);
  Peers listed;
  for (v1::ListPeersResponse chunk; reader->Read(&chunk);) {
    listed.interrupted = listed.interrupted || chunk.interrupted();
    for (v1::PeerState& peer : *chunk.mutable_peers()) listed.peers.push_back(std::move(peer));
  }
  const auto status = reader->Finish();
  if (!status.ok()) return Explain(status);
  return listed;
}

Result<ProvisionerClient> ProvisionerClient::Make(const CommonOptions& options) {
  auto channel = rpc::MakeChannel(options.admin, options.tls);
  if (!channel) return channel.error();
  ProvisionerClient client;
  client.address_ = options.admin;
  client.admin_ = v1::Admin::NewStub(*channel);
  return client;
}

Error ProvisionerClient::Explain(const grpc::Status& status) const {
  return ExplainFor("provisioner", address_, "admin", status);
}

Result<v1::StatusResponse> ProvisionerClient::GetStatus() {
  grpc::ClientContext context;
  rpc::SetTimeout(context, kCallTimeout);
  v1::StatusResponse response;
  const auto status = admin_->Status(&context, {}, &response);
  if (!status.ok()) return Explain(status);
  return response;
}

Result<v1::ExplainResponse> ProvisionerClient::ExplainPeer(const PublicKey& key) {
  grpc::ClientContext context;
  rpc::SetTimeout(context, kListTimeout);
  v1::ExplainRequest request;
  request.set_public_key(rpc::ToBytes(key));
  v1::ExplainResponse response;
  const auto status = admin_->Explain(&context, request, &response);
  if (!status.ok()) return Explain(status);
  return response;
}

Result<v1::EvictResponse> ProvisionerClient::Evict(const v1::EvictRequest& request) {
  grpc::ClientContext context;
  rpc::SetTimeout(context, 10 * kListTimeout);
  v1::EvictResponse response;
  const auto status = admin_->Evict(&context, request, &response);
  if (!status.ok()) return Explain(status);
  return response;
}

Result<v1::ForgetTimestampResponse> ProvisionerClient::ForgetTimestamp(const PublicKey& key) {
  grpc::ClientContext context;
  rpc::SetTimeout(context, kCallTimeout);
  v1::ForgetTimestampRequest request;
  request.set_public_key(rpc::ToBytes(key));
  v1::ForgetTimestampResponse response;
  const auto status = admin_->ForgetTimestamp(&context, request, &response);
  if (!status.ok()) return Explain(status);
  return response;
}

}  // namespace jitwg::ctl
