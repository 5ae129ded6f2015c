// One gateway under load: the sniffer's parts in this process, the real provisioner beside it, and
// who of the crowd is in. Also the registries that it may ask.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/crowd.h"
#include "tests/bench/gateway_process.h"
#include "tests/bench/loaded_sniffer.h"
#include "tests/support/postgres_server.h"

namespace jitwg::bench {

// Registries with the crowd's rows; gone with the object. Kinds: "sqlite", "postgres". Throws.
class RegistriesOf {
 public:
  RegistriesOf(const Crowd& crowd, const std::vector<std::string>& kinds);
  const std::string& Address(const std::string& kind) const { return addresses_.at(kind); }

 private:
  Folder folder_;
  std::unique_ptr<PostgresServer> server_;
  std::map<std::string, std::string> addresses_;
};

struct WorldOptions {
  std::string provisioner;  // the program
  std::string registry;     // an address
  unsigned workers = 1;
  std::vector<std::string> flags;  // of the provisioner
};

class GatewayWorld {
 public:
  // Both ends are connected when it returns. Throws.
  GatewayWorld(const WorldOptions& options, const Crowd& crowd);

  LoadedSniffer& sniffer() { return *sniffer_; }
  const ProvisionerProcess& provisioner() const { return *provisioner_; }
  // Clients whose handshake can end, and whether a given one's can.
  std::size_t completed() const { return completed_.load(std::memory_order_relaxed); }
  bool IsIn(std::size_t client) const { return in_[client].load(std::memory_order_relaxed); }
  // The client's handshake ends, for a reason that the sniffer does not see: WireGuard answered.
  void Completed(std::size_t client);
  // For an error: what the counters say.
  std::string Stuck() const;

 private:
  void AwaitReady();

  Folder folder_;
  std::atomic<std::size_t> completed_{0};
  std::vector<std::atomic<bool>> in_;
  std::unique_ptr<LoadedSniffer> sniffer_;
  std::unique_ptr<ProvisionerProcess> provisioner_;
};

// The log of this process, as a daemon's: a line at a time into a file.
void LogTo(const std::string& path);

}  // namespace jitwg::bench
