// Peers as rows of jitwg.peer, and back. Trusts no row: whoever has the right may have written it
// by hand.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/registry/postgres_parameters.h"
#include "lib/registry/registry.h"

namespace jitwg::registry {

// The columns that ReadPeer expects, of "FROM jitwg.peer p".
#define JITWG_POSTGRES_PEER_COLUMNS                                                      \
  "p.public_key, p.name, p.network, p.allowed_ips, p.preshared_key,"                     \
  " p.persistent_keepalive, p.pinned, p.gateway, p.enabled, p.expires_at, p.created_at," \
  " p.updated_at"

// One row of a binary result. kDataLoss, naming the key, for a row that no Put can have written.
Result<Peer> ReadPeer(const PGresult* result, int row);
Result<std::vector<Peer>> ReadPeers(const PGresult* result);

// $1..$10: public_key, name, network, allowed_ips, preshared_key, persistent_keepalive, pinned,
// gateway, enabled, expires_at; $11: `now`.
void AddPeer(PostgresParameters& parameters, const Peer& peer, WallTime now);
#define JITWG_POSTGRES_PEER_VALUES                                                            \
  "$1::bytea, $2::text, $3::text, $4::cidr[], $5::bytea, $6::integer, $7::boolean, $8::text," \
  " $9::boolean, $10::timestamptz, $11::timestamptz, $11::timestamptz"

// One cell of a binary result; nullopt when it is NULL or not of that size.
class PostgresCell {
 public:
  PostgresCell(const PGresult* result, int row, int column);
  bool is_null() const { return null_; }
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  std::string Text() const;
  std::optional<std::int64_t> Number() const;  // int2, int4, int8
  std::optional<bool> Bool() const;
  std::optional<WallTime> Time() const;  // timestamptz
  // inet or cidr; the length is the mask's.
  std::optional<IpPrefix> Prefix() const;
  std::optional<IpAddress> Address() const;
  // cidr[]; an empty array gives an empty list.
  std::optional<std::vector<IpPrefix>> Prefixes() const;

 private:
  std::span<const std::uint8_t> bytes_;
  bool null_;
};

}  // namespace jitwg::registry
