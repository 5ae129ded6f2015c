#include "lib/registry/postgres_networks.h"

#include <utility>

#include "lib/registry/postgres_rows.h"

namespace jitwg::registry {
namespace {

constexpr const char* kWrite =
    "INSERT INTO jitwg.network (name, pools, created_at)"
    " VALUES ($1::text, $2::cidr[], $3::timestamptz)"
    " ON CONFLICT (name) DO UPDATE SET pools = excluded.pools";
constexpr const char* kSightingsOf =
    "SELECT s.public_key, s.gateway, s.interface, s.endpoint_address, s.endpoint_port,"
    " s.endpoint_scope, s.last_handshake, s.rx_bytes, s.tx_bytes, s.seen_at"
    " FROM unnest($1::bytea[]) WITH ORDINALITY AS k (public_key, position)"
    " JOIN jitwg.sighting s ON s.public_key = k.public_key"
    " ORDER BY k.position, s.gateway COLLATE \"C\"";

Error Damaged(const std::string& table) {
  return Error{ErrorCode::kDataLoss,
               "a row of table jitwg." + table + " makes no sense; mend or delete it"};
}

Status Wait(PostgresSession& session, const char* sql, const PostgresParameters& parameters,
            SteadyTime deadline) {
  const auto done = session.Run(sql, parameters, deadline);
  if (!done) return done.error();
  return {};
}

Result<Sighting> ReadSighting(const PGresult* rows, int row) {
  const auto cell = [&](int column) { return PostgresCell(rows, row, column); };
  Sighting sighting;
  const auto key = PublicKey::FromBytes(cell(0).bytes());
  const auto address = cell(3).Address();
  const auto port = cell(4).Number();
  const auto scope = cell(5).Number();
  const auto rx = cell(7).Number();
  const auto tx = cell(8).Number();
  const auto seen_at = cell(9).Time();
  if (!key || !address || !port || !scope || !rx || !tx || !seen_at) return Damaged("sighting");
  sighting.public_key = *key;
  sighting.gateway = cell(1).Text();
  sighting.interface = cell(2).Text();
  sighting.endpoint = {*address, static_cast<std::uint16_t>(*port),
                       static_cast<std::uint32_t>(*scope)};
  sighting.last_handshake = cell(6).Time();
  sighting.rx_bytes = static_cast<std::uint64_t>(*rx);
  sighting.tx_bytes = static_cast<std::uint64_t>(*tx);
  sighting.seen_at = *seen_at;
  return sighting;
}

}  // namespace

Status WriteNetwork(PostgresSession& session, const Network& network, WallTime now,
                    SteadyTime deadline) {
  PostgresParameters parameters;
  parameters.Text(network.name).Prefixes(network.pools).Time(now);
  return Wait(session, kWrite, parameters, deadline);
}

Result<std::vector<Network>> ReadNetworks(PostgresSession& session, SteadyTime deadline) {
  const auto rows =
      session.Run("SELECT name, pools, created_at FROM jitwg.network ORDER BY name", deadline);
  if (!rows) return rows.error();
  std::vector<Network> networks;
  for (int row = 0; row < PQntuples(rows->get()); ++row) {
    Network network;
    network.name = PostgresCell(rows->get(), row, 0).Text();
    auto pools = PostgresCell(rows->get(), row, 1).Prefixes();
    const auto created_at = PostgresCell(rows->get(), row, 2).Time();
    if (!pools || !created_at) return Damaged("network");
    network.pools = std::move(*pools);
    network.created_at = *created_at;
    networks.push_back(std::move(network));
  }
  return networks;
}

Status EraseNetwork(PostgresSession& session, const std::string& name, SteadyTime deadline) {
  PostgresParameters parameters;
  parameters.Text(name);
  // Nobody puts a peer in between the look and the deletion.
  if (auto locked = Wait(session, "SELECT jitwg.lock_network($1::text)", parameters, deadline);
      !locked) {
    return locked;
  }
  const auto used = session.Run("SELECT 1 FROM jitwg.peer WHERE network = $1::text LIMIT 1",
                                parameters, deadline);
  if (!used) return used.error();
  const auto there = session.Run("SELECT 1 FROM jitwg.network WHERE name = $1::text FOR UPDATE",
                                 parameters, deadline);
  if (!there) return there.error();
  if (PQntuples(there->get()) == 0) {
    return Error{ErrorCode::kNotFound, "network " + name + " is unknown"};
  }
  if (PQntuples(used->get()) > 0) {
    return Error{ErrorCode::kFailedPrecondition,
                 "network " + name + " has peers; delete them first"};
  }
  return Wait(session, "DELETE FROM jitwg.network WHERE name = $1::text", parameters, deadline);
}

Result<std::vector<Gateway>> ReadGateways(PostgresSession& session, SteadyTime deadline) {
  const auto rows = session.Run(
      "SELECT name, version, peers, reported_at FROM jitwg.gateway ORDER BY name COLLATE \"C\"",
      deadline);
  if (!rows) return rows.error();
  std::vector<Gateway> gateways;
  for (int row = 0; row < PQntuples(rows->get()); ++row) {
    const auto peers = PostgresCell(rows->get(), row, 2).Number();
    const auto reported_at = PostgresCell(rows->get(), row, 3).Time();
    if (!peers || !reported_at) return Damaged("gateway");
    gateways.push_back({PostgresCell(rows->get(), row, 0).Text(),
                        PostgresCell(rows->get(), row, 1).Text(), static_cast<std::size_t>(*peers),
                        *reported_at});
  }
  return gateways;
}

Result<std::vector<Sighting>> ReadSightings(PostgresSession& session,
                                            const std::vector<PublicKey>& keys,
                                            SteadyTime deadline) {
  std::vector<std::string> items;
  items.reserve(keys.size());
  for (const PublicKey& key : keys) items.push_back("\\x" + ToHex(key.bytes));
  PostgresParameters parameters;
  parameters.Array(items);
  const auto rows = session.Run(kSightingsOf, parameters, deadline);
  if (!rows) return rows.error();
  std::vector<Sighting> sightings;
  for (int row = 0; row < PQntuples(rows->get()); ++row) {
    auto sighting = ReadSighting(rows->get(), row);
    if (!sighting) return sighting.error();
    sightings.push_back(std::move(*sighting));
  }
  return sightings;
}

}  // namespace jitwg::registry
