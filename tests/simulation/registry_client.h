// A provisioner's way to the simulated registry: answers that are late, fail, hang or overtake one
// another; notices that are lost or come twice.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "lib/registry/registry.h"
#include "tests/simulation/world.h"

namespace jitwg::simulation {

// Keeps to the contract of lib/registry, whatever the faults. Dies with its process.
class RegistryClient final : public registry::Registry {
 public:
  explicit RegistryClient(World& world);
  ~RegistryClient() override;

  void Find(const PublicKey& key, std::chrono::milliseconds deadline, FindCallback done) override;
  Result<std::vector<registry::Peer>> List(const registry::ListQuery& query) override;
  Result<std::optional<registry::AddressHolder>> FindHolder(const std::string&,
                                                            const IpAddress&) override;
  Status Put(const registry::Peer& peer, bool replace) override;
  Status Remove(const PublicKey& key) override;
  void Subscribe(ChangeCallback on_change) override;
  Status Report(const registry::GatewayReport& report) override;
  Status Health() override { return {}; }

  // The world: the row has changed. Any context.
  void Notify(const PublicKey& key);

 private:
  void Post(Nanos delay, std::function<void()> task);
  void Run();
  void Deliver(const registry::Change& change);
  void Tell(const registry::Change& change, Nanos delay);
  bool Fails();

  World& world_;
  std::multimap<Nanos, std::function<void()>> tasks_;
  ChangeCallback on_change_;
  std::uint64_t subscription_ = 0;
  bool delivering_ = false;
  bool stop_ = false;
  std::uint64_t thread_ = 0;
};

}  // namespace jitwg::simulation
