#include "lib/registry/postgres_store.h"

#include <algorithm>
#include <array>
#include <limits>

#include "lib/registry/postgres_error.h"
#include "lib/registry/postgres_migrations.h"
#include "lib/registry/postgres_rows.h"

namespace jitwg::registry {
namespace {

#define JITWG_INSERT_PEER                                                                \
  "INSERT INTO jitwg.peer (public_key, name, network, allowed_ips, preshared_key,"       \
  " persistent_keepalive, pinned, gateway, enabled, expires_at, created_at, updated_at)" \
  " VALUES (" JITWG_POSTGRES_PEER_VALUES ") ON CONFLICT (public_key) DO "

constexpr const char* kInsertOnly = JITWG_INSERT_PEER "NOTHING RETURNING 1";
constexpr const char* kReplace = JITWG_INSERT_PEER
    "UPDATE SET name = excluded.name, network = excluded.network,"
    " allowed_ips = excluded.allowed_ips, preshared_key = excluded.preshared_key,"
    " persistent_keepalive = excluded.persistent_keepalive, pinned = excluded.pinned,"
    " gateway = excluded.gateway, enabled = excluded.enabled, expires_at = excluded.expires_at,"
    " updated_at = excluded.updated_at RETURNING 1";
constexpr const char* kList =
    "SELECT " JITWG_POSTGRES_PEER_COLUMNS
    " FROM jitwg.peer p WHERE p.public_key > $1::bytea AND ($2::text = '' OR p.network = $2::text)"
    " AND (NOT $3::boolean OR p.pinned) ORDER BY p.public_key LIMIT $4::bigint";
// Two statements, so that each is planned for the exclusion constraint's index.
#define JITWG_HOLDER                                                           \
  "SELECT a.public_key, s.endpoint_address, s.endpoint_port, s.endpoint_scope" \
  " FROM jitwg.allowed_ip a LEFT JOIN LATERAL (SELECT * FROM jitwg.sighting"   \
  " WHERE public_key = a.public_key ORDER BY seen_at DESC LIMIT 1) s ON true"  \
  " WHERE a.prefix && $1::text::inet"
constexpr const char* kHolder = JITWG_HOLDER " AND a.network = $2::text LIMIT 2";
constexpr const char* kHolderOfAll = JITWG_HOLDER " LIMIT 2";
constexpr const char* kOverlap =
    "SELECT w.prefix, a.public_key, p.name FROM unnest($1::cidr[]) AS w (prefix)"
    " JOIN jitwg.allowed_ip a ON a.network = $2::text AND a.prefix && w.prefix"
    " LEFT JOIN jitwg.peer p ON p.public_key = a.public_key"
    " WHERE a.public_key <> $3::bytea LIMIT 1";
constexpr const char* kReportGateway =
    "INSERT INTO jitwg.gateway (name, version, peers, reported_at)"
    " VALUES ($1::text, $2::text, $3::bigint, $4::timestamptz)"
    " ON CONFLICT (name) DO UPDATE SET version = excluded.version, peers = excluded.peers,"
    " reported_at = excluded.reported_at";
// Of two sightings by one gateway the newer counts; a report that comes late undoes nothing. Times
// are microseconds since 2000.
constexpr const char* kReportSightings =
    "INSERT INTO jitwg.sighting AS s (public_key, gateway, interface, endpoint_address,"
    " endpoint_port, endpoint_scope, last_handshake, rx_bytes, tx_bytes, seen_at)"
    " SELECT DISTINCT ON (p.public_key, r.gateway) p.public_key, r.gateway, r.interface,"
    " r.address, r.port, r.scope, timestamptz '2000-01-01 00:00:00+00' + r.handshake * interval"
    " '1 microsecond', r.rx, r.tx,"
    " timestamptz '2000-01-01 00:00:00+00' + r.seen * interval '1 microsecond'"
    " FROM unnest($1::bytea[], $2::text[], $3::text[], $4::inet[], $5::integer[], $6::bigint[],"
    " $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])"
    " AS r (public_key, gateway, interface, address, port, scope, handshake, rx, tx, seen)"
    " JOIN jitwg.peer p ON p.public_key = r.public_key"
    " ORDER BY p.public_key, r.gateway, r.seen DESC"
    " ON CONFLICT (public_key, gateway) DO UPDATE SET interface = excluded.interface,"
    " endpoint_address = excluded.endpoint_address, endpoint_port = excluded.endpoint_port,"
    " endpoint_scope = excluded.endpoint_scope, last_handshake = excluded.last_handshake,"
    " rx_bytes = excluded.rx_bytes, tx_bytes = excluded.tx_bytes, seen_at = excluded.seen_at"
    " WHERE s.seen_at <= excluded.seen_at";

std::int64_t Bounded(std::uint64_t value) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(value, static_cast<std::uint64_t>(kMost)));
}

Status WriteGateway(PostgresSession& session, const Gateway& gateway, WallTime now,
                    SteadyTime deadline) {
  PostgresParameters parameters;
  parameters.Text(gateway.name).Text(gateway.version).Number(Bounded(gateway.peers)).Time(now);
  const auto written = session.Run(kReportGateway, parameters, deadline);
  if (!written) return written.error();
  return {};
}

std::string TimeText(std::optional<WallTime> time) {
  return time ? std::to_string(ToPostgresTime(*time)) : std::string(kNullItem);
}

Status WriteSightings(PostgresSession& session, const GatewayReport& report, WallTime now,
                      SteadyTime deadline) {
  std::array<std::vector<std::string>, 10> columns;
  for (const Sighting& s : report.sightings) {
    const std::array<std::string, 10> row = {"\\x" + ToHex(s.public_key.bytes),
                                             report.gateway.name,
                                             s.interface,
                                             s.endpoint.address.ToString(),
                                             std::to_string(s.endpoint.port),
                                             std::to_string(s.endpoint.scope_id),
                                             TimeText(s.last_handshake),
                                             std::to_string(Bounded(s.rx_bytes)),
                                             std::to_string(Bounded(s.tx_bytes)),
                                             TimeText(std::min(s.seen_at, now))};
    for (std::size_t i = 0; i < row.size(); ++i) columns[i].push_back(row[i]);
  }
  PostgresParameters parameters;
  for (const auto& column : columns) parameters.Array(column);
  const auto written = session.Run(kReportSightings, parameters, deadline);
  // A peer that was removed at this very moment: without it, next time.
  if (!written && session.sqlstate() == kForeignKeyViolation) {
    return Error{ErrorCode::kAborted, written.error().message};
  }
  if (!written) return written.error();
  return {};
}

}  // namespace

Status PostgresStore::Take(SteadyTime deadline) {
  std::unique_lock lock(mutex_);
  if (!free_.wait_until(lock, deadline, [this] { return !taken_; })) {
    return Error{ErrorCode::kDeadlineExceeded, "the registry is busy with other calls; try again"};
  }
  taken_ = true;
  return {};
}

void PostgresStore::GiveBack() {
  {
    const std::lock_guard lock(mutex_);
    taken_ = false;
  }
  free_.notify_one();
}

Status PostgresStore::Ready(SteadyTime deadline) {
  if (session_ && session_->alive()) return {};
  session_.reset();
  auto session = PostgresSession::Open(settings_, deadline);
  if (!session) return session.error();
  if (auto schema = CheckSchema(*session, deadline); !schema) return schema;
  session_ = std::move(*session);
  return {};
}

Result<std::vector<Peer>> PostgresStore::List(const ListQuery& query) {
  return With<std::vector<Peer>>(
      [&](PostgresSession& session, SteadyTime deadline) -> Result<std::vector<Peer>> {
        PostgresParameters parameters;
        parameters.Bytes(query.after ? std::span<const std::uint8_t>(query.after->bytes)
                                     : std::span<const std::uint8_t>());
        parameters.Text(query.network).Bool(query.pinned_only);
        parameters.Number(static_cast<std::int64_t>(query.limit));
        const auto rows = session.Run(kList, parameters, deadline);
        if (!rows) return rows.error();
        return ReadPeers(rows->get());
      });
}

Result<std::optional<AddressHolder>> PostgresStore::FindHolder(const std::string& network,
                                                               const IpAddress& address) {
  using Holder = std::optional<AddressHolder>;
  return With<Holder>([&](PostgresSession& session, SteadyTime deadline) -> Result<Holder> {
    PostgresParameters parameters;
    parameters.Text(address.ToString());
    if (!network.empty()) parameters.Text(network);
    const auto rows = session.Run(network.empty() ? kHolderOfAll : kHolder, parameters, deadline);
    if (!rows) return rows.error();
    if (PQntuples(rows->get()) != 1) return Holder();
    const auto key = PublicKey::FromBytes(PostgresCell(rows->get(), 0, 0).bytes());
    if (!key) return Holder();
    AddressHolder holder{*key, std::nullopt};
    const auto endpoint = PostgresCell(rows->get(), 0, 1).Address();
    if (endpoint) {
      const auto port = PostgresCell(rows->get(), 0, 2).Number().value_or(0);
      const auto scope = PostgresCell(rows->get(), 0, 3).Number().value_or(0);
      holder.last_endpoint =
          Endpoint{*endpoint, static_cast<std::uint16_t>(port), static_cast<std::uint32_t>(scope)};
    }
    return Holder(holder);
  });
}

Error OverlapError(PostgresSession& session, const Peer& peer, SteadyTime deadline) {
  PostgresParameters parameters;
  parameters.Prefixes(peer.allowed_ips).Text(peer.network).Bytes(peer.public_key.bytes);
  const auto rows = session.Run(kOverlap, parameters, deadline);
  const std::string where = " in network " + peer.network + "; choose a free one";
  if (rows && PQntuples(rows->get()) > 0) {
    const auto prefix = PostgresCell(rows->get(), 0, 0).Prefix();
    const auto owner = PublicKey::FromBytes(PostgresCell(rows->get(), 0, 1).bytes());
    const std::string name = OneLine(PostgresCell(rows->get(), 0, 2).Text());
    return Error{ErrorCode::kAlreadyExists, "allowed IP " + (prefix ? prefix->ToString() : "?") +
                                                " overlaps one of peer " +
                                                (owner ? owner->ToBase64() : "?") +
                                                (name.empty() ? "" : " (" + name + ")") + where};
  }
  // The other one is gone again already, or is the peer itself.
  std::string list;
  for (const IpPrefix& prefix : peer.allowed_ips) list += " " + prefix.ToString();
  return Error{ErrorCode::kAlreadyExists,
               "one of the allowed IPs " + OneLine(list) + " overlaps one of another peer" + where};
}

Status PostgresStore::Put(const Peer& peer, bool replace, WallTime now) {
  return With<void>([&](PostgresSession& session, SteadyTime deadline) -> Status {
    PostgresParameters parameters;
    AddPeer(parameters, peer, now);
    const auto put = session.Run(replace ? kReplace : kInsertOnly, parameters, deadline);
    if (!put && session.sqlstate() == kExclusionViolation) {
      return OverlapError(session, peer, deadline);
    }
    if (!put) return put.error();
    if (PQntuples(put->get()) > 0) return {};
    return Error{ErrorCode::kAlreadyExists, "peer " + peer.public_key.ToBase64() +
                                                " is in the registry already; replace it instead"};
  });
}

Status PostgresStore::Remove(const PublicKey& key) {
  return With<void>([&](PostgresSession& session, SteadyTime deadline) -> Status {
    PostgresParameters parameters;
    parameters.Bytes(key.bytes);
    const auto removed = session.Run(
        "DELETE FROM jitwg.peer WHERE public_key = $1::bytea RETURNING 1", parameters, deadline);
    if (!removed) return removed.error();
    if (PQntuples(removed->get()) > 0) return {};
    return NoSuchPeer(key);
  });
}

Status PostgresStore::Report(const GatewayReport& report, WallTime now) {
  return With<void>([&](PostgresSession& session, SteadyTime deadline) -> Status {
    auto transaction = PostgresTransaction::Begin(session, deadline);
    if (!transaction) return transaction.error();
    if (auto written = WriteGateway(session, report.gateway, now, deadline); !written) {
      return written;
    }
    if (auto written = WriteSightings(session, report, now, deadline); !written) {
      return written;
    }
    return transaction->Commit();
  });
}

}  // namespace jitwg::registry
