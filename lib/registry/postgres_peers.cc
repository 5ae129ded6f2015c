#include "lib/registry/postgres_peers.h"

#include <utility>

#include "lib/registry/postgres_error.h"
#include "lib/registry/postgres_rows.h"

namespace jitwg::registry {
namespace {

constexpr const char* kSelect =
    "SELECT " JITWG_POSTGRES_PEER_COLUMNS " FROM jitwg.peer p WHERE p.public_key = $1::bytea";
constexpr const char* kSelectForUpdate =
    "SELECT " JITWG_POSTGRES_PEER_COLUMNS
    " FROM jitwg.peer p WHERE p.public_key = $1::bytea FOR UPDATE";
constexpr const char* kInsert =
    "INSERT INTO jitwg.peer AS p (public_key, name, network, allowed_ips, preshared_key,"
    " persistent_keepalive, pinned, gateway, enabled, expires_at, created_at, updated_at)"
    " VALUES (" JITWG_POSTGRES_PEER_VALUES
    ") ON CONFLICT (public_key) DO NOTHING"
    " RETURNING " JITWG_POSTGRES_PEER_COLUMNS;
constexpr const char* kUpdate =
    "UPDATE jitwg.peer p SET name = $2::text, network = $3::text, allowed_ips = $4::cidr[],"
    " preshared_key = $5::bytea, persistent_keepalive = $6::integer, pinned = $7::boolean,"
    " gateway = $8::text, enabled = $9::boolean, expires_at = $10::timestamptz,"
    " updated_at = $11::timestamptz WHERE public_key = $1::bytea"
    " RETURNING " JITWG_POSTGRES_PEER_COLUMNS;

Result<std::optional<Peer>> FirstPeer(const PGresult* rows) {
  if (PQntuples(rows) == 0) return std::optional<Peer>();
  auto peer = ReadPeer(rows, 0);
  if (!peer) return peer.error();
  return std::optional<Peer>(std::move(*peer));
}

Result<std::vector<IpPrefix>> Allocate(PostgresSession& session, const std::string& network,
                                       SteadyTime deadline) {
  PostgresParameters parameters;
  parameters.Text(network);
  const auto rows = session.Run("SELECT jitwg.allocate($1::text)", parameters, deadline);
  if (!rows) return rows.error();
  auto prefixes = PostgresCell(rows->get(), 0, 0).Prefixes();
  if (!prefixes) {
    return Error{ErrorCode::kDataLoss, "the pools of network " + network + " make no sense"};
  }
  return std::move(*prefixes);
}

}  // namespace

Result<std::optional<Peer>> SelectPeer(PostgresSession& session, const PublicKey& key, bool lock,
                                       SteadyTime deadline) {
  PostgresParameters parameters;
  parameters.Bytes(key.bytes);
  const auto rows = session.Run(lock ? kSelectForUpdate : kSelect, parameters, deadline);
  if (!rows) return rows.error();
  return FirstPeer(rows->get());
}

Result<std::optional<Peer>> InsertPeer(PostgresSession& session, const Peer& wish, WallTime now,
                                       SteadyTime deadline) {
  Peer peer = wish.Clone();
  if (peer.allowed_ips.empty()) {
    auto addresses = Allocate(session, peer.network, deadline);
    if (!addresses) return addresses.error();
    peer.allowed_ips = std::move(*addresses);
  }
  PostgresParameters parameters;
  AddPeer(parameters, peer, now);
  const auto rows = session.Run(kInsert, parameters, deadline);
  if (!rows) return rows.error();
  return FirstPeer(rows->get());
}

Result<Peer> UpdatePeer(PostgresSession& session, const Peer& peer, WallTime now,
                        SteadyTime deadline) {
  PostgresParameters parameters;
  AddPeer(parameters, peer, now);
  const auto rows = session.Run(kUpdate, parameters, deadline);
  if (!rows) return rows.error();
  auto stored = FirstPeer(rows->get());
  if (!stored) return stored.error();
  // A rule or trigger of somebody else's: we hold the row's lock.
  if (!*stored) return Error{ErrorCode::kInternal, "the registry database lost the peer's row"};
  return std::move(**stored);
}

}  // namespace jitwg::registry
