// The control plane's calls on the SQLite file that SqliteRegistry serves.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/registry/control_plane.h"
#include "lib/registry/sqlite_database.h"

namespace jitwg::registry {

// Two connections of its own, so that those who read do not wait for those who write.
class SqliteControlPlane final : public ControlPlane {
 public:
  // Opens the file, or makes it. Errors as SqliteRegistry::Open. `clock` outlives it.
  static Result<std::unique_ptr<SqliteControlPlane>> Open(
      const std::string& path, const Clock& clock,
      std::chrono::milliseconds busy_timeout = std::chrono::seconds(5));

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
  SqliteControlPlane(const Clock& clock, SqliteDatabase writer, SqliteDatabase reader)
      : clock_(clock), writer_(std::move(writer)), reader_(std::move(reader)) {}
  // With write_mutex_ held, inside a transaction.
  Result<Peer> CreateNew(const Peer& wish);

  const Clock& clock_;
  std::mutex write_mutex_;
  SqliteDatabase writer_;  // guarded by write_mutex_
  std::mutex read_mutex_;
  SqliteDatabase reader_;  // guarded by read_mutex_
};

}  // namespace jitwg::registry
