#include "lib/registry/sqlite_holders.h"

#include "lib/registry/sqlite_rows.h"

namespace jitwg::registry {
namespace {

// Rows of one network never overlap: the one with the greatest first address not above ?3 is the
// only one that could hold it. Networks are stepped through by the index, one at a time.
constexpr const char* kHolders =
    "WITH RECURSIVE n (name) AS ("
    "  SELECT CASE WHEN ?1 = '' THEN (SELECT min(network) FROM allowed_ip) ELSE ?1 END"
    "  UNION ALL"
    "  SELECT (SELECT min(network) FROM allowed_ip WHERE network > n.name) FROM n"
    "  WHERE ?1 = '' AND n.name IS NOT NULL)"
    " SELECT a.public_key FROM n JOIN allowed_ip a ON a.network = n.name AND a.family = ?2"
    " AND a.first = (SELECT max(first) FROM allowed_ip"
    "                WHERE network = n.name AND family = ?2 AND first <= ?3)"
    " WHERE a.last >= ?3 LIMIT 2";
constexpr const char* kLastSighting =
    "SELECT address, port, scope_id FROM sighting WHERE public_key = ?1"
    " ORDER BY seen_at DESC LIMIT 1";

Result<std::optional<Endpoint>> ReadLastEndpoint(SqliteDatabase& database, const PublicKey& key) {
  auto statement = SqliteStatement::Prepare(database, kLastSighting);
  if (!statement) return statement.error();
  statement->BindBlob(0, key.bytes);
  const auto row = statement->Step();
  if (!row) return row.error();
  if (!*row) return std::optional<Endpoint>();
  const auto address = IpAddress::FromBytes(statement->Blob(0));
  if (!address) return std::optional<Endpoint>();  // edited by hand: as if there were none
  return std::optional<Endpoint>({*address, static_cast<std::uint16_t>(statement->Number(1)),
                                  static_cast<std::uint32_t>(statement->Number(2))});
}

}  // namespace

Result<std::optional<AddressHolder>> ReadHolder(SqliteDatabase& database,
                                                const std::string& network,
                                                const IpAddress& address) {
  const auto host = IpPrefix::Make(address, address.bit_length());
  if (!host) return host.error();
  auto statement = SqliteStatement::Prepare(database, kHolders);
  if (!statement) return statement.error();
  statement->BindText(0, network);
  statement->BindNumber(1, FamilyNumber(*host));
  // Lives until the last step.
  const auto range = RangeOf(*host);
  statement->BindBlob(2, range.first);
  const auto row = statement->Step();
  if (!row) return row.error();
  if (!*row) return std::optional<AddressHolder>();
  const auto key = PublicKey::FromBytes(statement->Blob(0));
  const auto another = statement->Step();
  if (!another) return another.error();
  if (*another || !key) return std::optional<AddressHolder>();
  auto endpoint = ReadLastEndpoint(database, *key);
  if (!endpoint) return endpoint.error();
  return std::optional<AddressHolder>({*key, *endpoint});
}

}  // namespace jitwg::registry
