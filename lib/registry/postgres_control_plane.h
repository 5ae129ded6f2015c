// The control plane's calls on the PostgreSQL database that PostgresRegistry reads.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/control_plane.h"
#include "lib/registry/postgres_store.h"

namespace jitwg::registry {

// Two connections, made when they are first needed, so that those who read do not wait for those
// who write. Any number of processes may work on one database.
class PostgresControlPlane final : public ControlPlane {
 public:
  // `connection` is any libpq connection string or URI. Only reads it: kInvalidArgument. `clock`
  // outlives it.
  static Result<std::unique_ptr<PostgresControlPlane>> Open(
      std::string connection, const Clock& clock,
      std::chrono::milliseconds call_timeout = std::chrono::seconds(5));

  Result<CreatedPeer> Create(const Peer& wish) override;
  Result<std::optional<Peer>> Get(const PublicKey& key) override;
  Result<std::vector<Peer>> Search(const PeerFilter& filter) override;
  Result<Peer> Update(const PublicKey& key, const PeerPatch& patch) override;
  Status Delete(const PublicKey& key) override;
  Status PutNetwork(const Network& network) override;
  Result<std::vector<Network>> ListNetworks() override;
  Status DeleteNetwork(const std::string& name) override;
  Result<std::vector<Gateway>> ListGateways() override;
  Result<std::vector<Sighting>> SightingsOf(const std::vector<PublicKey>& keys) override;
  Status Health() override;

 private:
  PostgresControlPlane(const PostgresSettings& settings, const Clock& clock,
                       std::chrono::milliseconds call_timeout)
      : clock_(clock), writer_(settings, call_timeout), reader_(settings, call_timeout) {}

  const Clock& clock_;
  PostgresStore writer_;
  PostgresStore reader_;
};

}  // namespace jitwg::registry
