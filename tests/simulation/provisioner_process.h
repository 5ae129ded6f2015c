// One life of a provisioner: the shipped Provisioner with its replay memory and cache, put together
// as provisioner/main.cc does, on a simulated registry and a simulated way to the sniffer.
#pragma once

#include <memory>
#include <optional>

#include "provisioner/cached_registry.h"
#include "provisioner/peer_cache_store.h"
#include "provisioner/provisioner.h"
#include "provisioner/replay_memory.h"
#include "tests/simulation/link.h"
#include "tests/simulation/registry_client.h"
#include "tests/simulation/world.h"

namespace jitwg::simulation {

class ProvisionerProcess {
 public:
  ProvisionerProcess(World& world, ProcessId process);
  ~ProvisionerProcess();

  // On a thread of the process, each; false: it ends at once, as the daemon would.
  bool Start();
  void Stop();

  ProcessId process() const { return process_; }
  Link& link() { return link_; }
  void Notify(const PublicKey& key) {
    if (registry_) registry_->Notify(key);
  }
  std::size_t in_flight() const;
  bool is_started() const { return is_started_; }

 private:
  World& world_;
  const ProcessId process_;
  bool is_started_ = false;
  Link link_;
  std::optional<RegistryClient> registry_;
  std::unique_ptr<provisioner::ReplayMemory> replay_;
  std::unique_ptr<provisioner::PeerCacheStore> store_;
  std::unique_ptr<provisioner::CachedRegistry> cache_;
  std::unique_ptr<provisioner::Provisioner> provisioner_;
};

}  // namespace jitwg::simulation
