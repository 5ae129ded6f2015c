// Fills what the memory benchmark looks at: a registry with many peers, or a running sniffer's
// interface with some of them, as a provisioner would.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>

#include "jitwg/v1/peer_installer.grpc.pb.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"
#include "tests/bench/registry_subjects.h"

namespace jitwg::bench {
namespace {

constexpr std::size_t kAtOnce = 64;

// The address that LoadSqlite gives the row.
IpPrefix PrefixOf(std::size_t number) {
  return *IpPrefix::Parse(
      fmt::format("10.{}.{}.{}/32", number >> 16U & 255U, number >> 8U & 255U, number & 255U));
}

void InstallSome(v1::PeerInstaller::Stub& stub, std::size_t first, std::size_t end) {
  v1::InstallPeersRequest request;
  request.set_interface("wg0");
  for (std::size_t i = first; i < end; ++i) {
    v1::PeerSpec& peer = *request.add_peers();
    peer.set_public_key(rpc::ToBytes(KeyOf(i)));
    // As the registry has it, or the provisioner would put it right.
    peer.set_preshared_key(rpc::ToBytes(KeyOf(i)));
    rpc::Fill(PrefixOf(i), peer.add_allowed_ips());
  }
  grpc::ClientContext context;
  rpc::SetTimeout(context, std::chrono::seconds(60));
  v1::InstallPeersResponse response;
  const grpc::Status status = stub.InstallPeers(&context, request, &response);
  if (!status.ok()) throw std::runtime_error(status.error_message());
  for (const v1::PeerResult& result : response.results()) {
    if (result.outcome() != v1::PEER_OUTCOME_INSTALLED &&
        result.outcome() != v1::PEER_OUTCOME_UNCHANGED) {
      throw std::runtime_error(v1::PeerOutcome_Name(result.outcome()) + ": " + result.message());
    }
  }
}

void Install(const std::string& address, std::size_t first, std::size_t end) {
  const auto channel = rpc::MakeChannel(address);
  if (!channel) throw std::runtime_error(channel.error().message);
  const auto stub = v1::PeerInstaller::NewStub(*channel);
  for (; first < end; first += kAtOnce) InstallSome(*stub, first, std::min(first + kAtOnce, end));
}

}  // namespace
}  // namespace jitwg::bench

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  try {
    if (what == "register" && argc == 4) {
      jitwg::bench::LoadSqlite(argv[2], std::stoul(argv[3]));
    } else if (what == "install" && argc == 5) {
      jitwg::bench::Install(argv[2], std::stoul(argv[3]), std::stoul(argv[4]));
    } else {
      fmt::print(stderr, "usage: peer_loader register FILE ROWS | install ADDRESS FIRST END\n");
      return 2;
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "peer_loader: {}\n", error.what());
    return 1;
  }
}
