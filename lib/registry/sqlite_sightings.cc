#include "lib/registry/sqlite_sightings.h"

#include <algorithm>
#include <string>

#include "lib/registry/sqlite_rows.h"

namespace jitwg::registry {
namespace {

constexpr const char* kPutGateway =
    "INSERT INTO gateway (name, version, peers, reported_at) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (name) DO UPDATE SET version = ?2, peers = ?3, reported_at = ?4";
constexpr const char* kPutSighting =
    "INSERT INTO sighting (public_key, gateway, interface, address, port, scope_id,"
    " last_handshake, rx_bytes, tx_bytes, seen_at)"
    " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
    " WHERE EXISTS (SELECT 1 FROM peer WHERE public_key = ?1)"
    " ON CONFLICT (public_key, gateway) DO UPDATE SET interface = ?3, address = ?4, port = ?5,"
    " scope_id = ?6, last_handshake = ?7, rx_bytes = ?8, tx_bytes = ?9, seen_at = ?10"
    " WHERE excluded.seen_at >= seen_at";
constexpr const char* kSightingsOf =
    "SELECT gateway, interface, address, port, scope_id, last_handshake, rx_bytes, tx_bytes,"
    " seen_at FROM sighting WHERE public_key = ?1 ORDER BY gateway";
enum Column : int {
  kGateway,
  kInterface,
  kAddress,
  kPort,
  kScope,
  kHandshake,
  kRx,
  kTx,
  kSeenAt,
};

Status WriteGateway(SqliteDatabase& database, const Gateway& gateway, WallTime now) {
  auto statement = SqliteStatement::Prepare(database, kPutGateway);
  if (!statement) return statement.error();
  statement->BindText(0, gateway.name);
  statement->BindText(1, gateway.version);
  statement->BindNumber(2, static_cast<std::int64_t>(gateway.peers));
  statement->BindNumber(3, ToMicroseconds(now));
  return statement->Run();
}

Status WriteSighting(SqliteStatement& statement, const Sighting& sighting,
                     const std::string& gateway, WallTime now) {
  statement.Reset();
  statement.BindBlob(0, sighting.public_key.bytes);
  statement.BindText(1, gateway);
  statement.BindText(2, sighting.interface);
  statement.BindBlob(3, sighting.endpoint.address.bytes());
  statement.BindNumber(4, sighting.endpoint.port);
  statement.BindNumber(5, sighting.endpoint.scope_id);
  if (sighting.last_handshake) statement.BindNumber(6, ToMicroseconds(*sighting.last_handshake));
  statement.BindNumber(7, static_cast<std::int64_t>(sighting.rx_bytes));
  statement.BindNumber(8, static_cast<std::int64_t>(sighting.tx_bytes));
  statement.BindNumber(9, ToMicroseconds(std::min(sighting.seen_at, now)));
  return statement.Run();
}

Result<Sighting> ReadSighting(const SqliteStatement& row, const PublicKey& key) {
  Sighting sighting;
  sighting.public_key = key;
  sighting.gateway = row.Text(kGateway);
  sighting.interface = row.Text(kInterface);
  const auto address = IpAddress::FromBytes(row.Blob(kAddress));
  if (!address) {
    return Error{ErrorCode::kDataLoss, "a sighting of peer " + key.ToBase64() +
                                           " has no address; delete its row of table sighting"};
  }
  sighting.endpoint = {*address, static_cast<std::uint16_t>(row.Number(kPort)),
                       static_cast<std::uint32_t>(row.Number(kScope))};
  if (!row.IsNull(kHandshake)) sighting.last_handshake = FromMicroseconds(row.Number(kHandshake));
  sighting.rx_bytes = static_cast<std::uint64_t>(row.Number(kRx));
  sighting.tx_bytes = static_cast<std::uint64_t>(row.Number(kTx));
  sighting.seen_at = FromMicroseconds(row.Number(kSeenAt));
  return sighting;
}

}  // namespace

Status WriteReport(SqliteDatabase& database, const GatewayReport& report, WallTime now) {
  if (auto written = WriteGateway(database, report.gateway, now); !written) return written;
  auto statement = SqliteStatement::Prepare(database, kPutSighting);
  if (!statement) return statement.error();
  for (const Sighting& sighting : report.sightings) {
    auto written = WriteSighting(*statement, sighting, report.gateway.name, now);
    if (!written) return written;
  }
  return {};
}

Result<std::vector<Gateway>> ReadGateways(SqliteDatabase& database) {
  auto statement = SqliteStatement::Prepare(
      database, "SELECT name, version, peers, reported_at FROM gateway ORDER BY name");
  if (!statement) return statement.error();
  std::vector<Gateway> gateways;
  for (;;) {
    const auto row = statement->Step();
    if (!row) return row.error();
    if (!*row) return gateways;
    gateways.push_back({std::string(statement->Text(0)), std::string(statement->Text(1)),
                        static_cast<std::size_t>(statement->Number(2)),
                        FromMicroseconds(statement->Number(3))});
  }
}

Result<std::vector<Sighting>> ReadSightings(SqliteDatabase& database,
                                            const std::vector<PublicKey>& keys) {
  auto statement = SqliteStatement::Prepare(database, kSightingsOf);
  if (!statement) return statement.error();
  std::vector<Sighting> sightings;
  for (const PublicKey& key : keys) {
    statement->Reset();
    statement->BindBlob(0, key.bytes);
    for (;;) {
      const auto row = statement->Step();
      if (!row) return row.error();
      if (!*row) break;
      auto sighting = ReadSighting(*statement, key);
      if (!sighting) return sighting.error();
      sightings.push_back(std::move(*sighting));
    }
  }
  return sightings;
}

}  // namespace jitwg::registry
