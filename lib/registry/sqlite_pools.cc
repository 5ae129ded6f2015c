#include "lib/registry/sqlite_pools.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/registry/sqlite_rows.h"

namespace jitwg::registry {
namespace {

// An address as the schema has it: 16 bytes, IPv4 in the first four.
using Bytes = std::array<std::uint8_t, 16>;

struct Pool {
  std::int64_t position = 0;
  IpPrefix prefix;
  Bytes free_from{};
};

constexpr const char* kPools =
    "SELECT position, family, first, prefix_length, free_from FROM pool"
    " WHERE network = ?1 ORDER BY position";
// The one row that can reach over an address from below, and those that begin at it or behind.
constexpr const char* kTakenFromBelow =
    "SELECT first, last FROM allowed_ip WHERE network = ?1 AND family = ?2 AND first < ?3"
    " AND first <= ?4 ORDER BY first DESC LIMIT 1";
constexpr const char* kTakenBehind =
    "SELECT first, last FROM allowed_ip WHERE network = ?1 AND family = ?2"
    " AND first BETWEEN ?3 AND ?4 ORDER BY first";

std::optional<Bytes> ToBytes(std::span<const std::uint8_t> blob) {
  Bytes bytes{};
  if (blob.size() != bytes.size()) return std::nullopt;
  std::copy(blob.begin(), blob.end(), bytes.begin());
  return bytes;
}

// One more, or one less, in a family's own width; wraps round.
Bytes Step(Bytes bytes, bool is_v4, bool up) {
  for (std::size_t i = is_v4 ? 4 : 16; i-- > 0;) {
    bytes.at(i) = static_cast<std::uint8_t>(bytes.at(i) + (up ? 1 : -1));
    if (bytes.at(i) != (up ? 0x00 : 0xff)) break;
  }
  return bytes;
}

Error DamagedPool(const std::string& network) {
  return Error{ErrorCode::kDataLoss,
               "a pool of network " + network + " is damaged; write the network again"};
}

Result<Pool> ReadPool(const SqliteStatement& row, const std::string& network) {
  Pool pool;
  pool.position = row.Number(0);
  const auto first = ToBytes(row.Blob(2));
  const auto free_from = ToBytes(row.Blob(4));
  if (!first || !free_from) return DamagedPool(network);
  pool.free_from = *free_from;
  const std::span<const std::uint8_t, 16> bytes(*first);
  const auto address = row.Number(1) == 4 ? IpAddress::V4(bytes.first<4>()) : IpAddress::V6(bytes);
  const auto prefix = IpPrefix::Make(address, static_cast<int>(row.Number(3)));
  if (!prefix || prefix->address() != address) return DamagedPool(network);
  pool.prefix = *prefix;
  return pool;
}

Result<std::vector<Pool>> ReadPools(SqliteDatabase& database, const std::string& network) {
  auto statement = SqliteStatement::Prepare(database, kPools);
  if (!statement) return statement.error();
  statement->BindText(0, network);
  std::vector<Pool> pools;
  for (;;) {
    const auto row = statement->Step();
    if (!row) return row.error();
    if (!*row) return pools;
    auto pool = ReadPool(*statement, network);
    if (!pool) return pool.error();
    pools.push_back(*pool);
  }
}

Result<bool> NetworkExists(SqliteDatabase& database, const std::string& name) {
  auto statement = SqliteStatement::Prepare(database, "SELECT 1 FROM network WHERE name = ?1");
  if (!statement) return statement.error();
  statement->BindText(0, name);
  return statement->Step();
}

struct Search {
  const std::string& network;
  bool is_v4;
  Bytes last;
};

// Moves `candidate` behind the rows that take it and its successors; behind `last`, or round to
// zero, when all are taken.
Status PassTaken(SqliteDatabase& database, const char* sql, const Search& search,
                 Bytes& candidate) {
  auto statement = SqliteStatement::Prepare(database, sql);
  if (!statement) return statement.error();
  const Bytes from = candidate;
  statement->BindText(0, search.network);
  statement->BindNumber(1, search.is_v4 ? 4 : 6);
  statement->BindBlob(2, from);
  statement->BindBlob(3, search.last);
  while (candidate >= from && candidate <= search.last) {
    const auto row = statement->Step();
    if (!row) return row.error();
    if (!*row) break;
    const auto taken_first = ToBytes(statement->Blob(0));
    const auto taken_last = ToBytes(statement->Blob(1));
    if (!taken_first || !taken_last) return DamagedPool(search.network);
    if (*taken_first > candidate) break;
    if (*taken_last < candidate) continue;
    candidate = Step(std::min(*taken_last, search.last), search.is_v4, true);
  }
  return {};
}

Status RememberFreeFrom(SqliteDatabase& database, const std::string& network, std::int64_t position,
                        const Bytes& free_from) {
  auto statement = SqliteStatement::Prepare(
      database, "UPDATE pool SET free_from = ?1 WHERE network = ?2 AND position = ?3");
  if (!statement) return statement.error();
  statement->BindBlob(0, free_from);
  statement->BindText(1, network);
  statement->BindNumber(2, position);
  return statement->Run();
}

// nullopt: the pool is used up.
Result<std::optional<IpPrefix>> AllocateFrom(SqliteDatabase& database, const std::string& network,
                                             const Pool& pool) {
  const bool is_v4 = pool.prefix.address().is_v4();
  const PrefixRange range = RangeOf(pool.prefix);
  const Bytes start = std::max(Step(range.first, is_v4, true), pool.free_from);
  // RangeOf pads IPv4 with zeros behind, so the last one can be stepped back.
  const Bytes last = is_v4 ? Step(range.last, true, false) : range.last;
  const Search search{network, is_v4, last};
  Bytes gap = start;
  for (const char* sql : {kTakenFromBelow, kTakenBehind}) {
    if (gap < start || gap > last) break;
    if (auto passed = PassTaken(database, sql, search, gap); !passed) return passed.error();
  }
  const bool free = gap >= start && gap <= last;
  const Bytes next = free ? gap : last;
  auto remembered = RememberFreeFrom(database, network, pool.position, next);
  if (!remembered) return remembered.error();
  if (!free) return std::optional<IpPrefix>();
  const std::span<const std::uint8_t, 16> bytes(gap);
  const auto address = is_v4 ? IpAddress::V4(bytes.first<4>()) : IpAddress::V6(bytes);
  return std::optional<IpPrefix>(*IpPrefix::Make(address, address.bit_length()));
}

// nullopt: the network has no pool of this family.
Result<std::optional<IpPrefix>> AllocateOf(SqliteDatabase& database, const std::string& network,
                                           const std::vector<Pool>& pools, IpFamily family) {
  bool any = false;
  for (const Pool& pool : pools) {
    if (pool.prefix.address().family() != family) continue;
    any = true;
    auto address = AllocateFrom(database, network, pool);
    if (!address || *address) return address;
  }
  if (!any) return std::optional<IpPrefix>();
  return Error{ErrorCode::kResourceExhausted,
               std::string("the ") + (family == IpFamily::kV4 ? "IPv4" : "IPv6") +
                   " pools of network " + network +
                   " are used up; give it another pool, or delete peers"};
}

Status WritePool(SqliteDatabase& database, const std::string& network, std::int64_t position,
                 const IpPrefix& prefix) {
  auto statement = SqliteStatement::Prepare(
      database,
      "INSERT INTO pool (network, position, family, first, last, prefix_length, free_from)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?4)");
  if (!statement) return statement.error();
  const PrefixRange range = RangeOf(prefix);
  statement->BindText(0, network);
  statement->BindNumber(1, position);
  statement->BindNumber(2, FamilyNumber(prefix));
  statement->BindBlob(3, range.first);
  statement->BindBlob(4, range.last);
  statement->BindNumber(5, prefix.length());
  return statement->Run();
}

// Runs a statement whose one parameter is a network's name.
Status RunFor(SqliteDatabase& database, const char* sql, const std::string& name) {
  auto statement = SqliteStatement::Prepare(database, sql);
  if (!statement) return statement.error();
  statement->BindText(0, name);
  return statement->Run();
}

}  // namespace

Result<std::vector<IpPrefix>> AllocateAddresses(SqliteDatabase& database,
                                                const std::string& network) {
  const auto pools = ReadPools(database, network);
  if (!pools) return pools.error();
  if (pools->empty()) {
    const auto there = NetworkExists(database, network);
    if (!there) return there.error();
    if (*there) {
      return Error{ErrorCode::kFailedPrecondition,
                   "network " + network + " has no pools; name the peer's allowed IPs"};
    }
    return Error{ErrorCode::kNotFound, "network " + network +
                                           " is unknown, so no address can be allocated; create "
                                           "it with pools, or name the peer's allowed IPs"};
  }
  std::vector<IpPrefix> addresses;
  for (const IpFamily family : {IpFamily::kV4, IpFamily::kV6}) {
    const auto address = AllocateOf(database, network, *pools, family);
    if (!address) return address.error();
    if (*address) addresses.push_back(**address);
  }
  return addresses;
}

Status WriteNetwork(SqliteDatabase& database, const Network& network, WallTime now) {
  auto statement = SqliteStatement::Prepare(
      database,
      "INSERT INTO network (name, created_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING");
  if (!statement) return statement.error();
  statement->BindText(0, network.name);
  statement->BindNumber(1, ToMicroseconds(now));
  if (auto written = statement->Run(); !written) return written;
  auto cleared = RunFor(database, "DELETE FROM pool WHERE network = ?1", network.name);
  if (!cleared) return cleared;
  std::int64_t position = 0;
  for (const IpPrefix& pool : network.pools) {
    if (auto written = WritePool(database, network.name, position++, pool); !written) {
      return written;
    }
  }
  return {};
}

Status EraseNetwork(SqliteDatabase& database, const std::string& name) {
  auto peers = SqliteStatement::Prepare(database, "SELECT 1 FROM peer WHERE network = ?1 LIMIT 1");
  if (!peers) return peers.error();
  peers->BindText(0, name);
  const auto used = peers->Step();
  if (!used) return used.error();
  const auto there = NetworkExists(database, name);
  if (!there) return there.error();
  if (!*there) return Error{ErrorCode::kNotFound, "network " + name + " is unknown"};
  if (*used) {
    return Error{ErrorCode::kFailedPrecondition,
                 "network " + name + " has peers; delete them first"};
  }
  return RunFor(database, "DELETE FROM network WHERE name = ?1", name);
}

Result<std::vector<Network>> ReadNetworks(SqliteDatabase& database) {
  auto statement =
      SqliteStatement::Prepare(database, "SELECT name, created_at FROM network ORDER BY name");
  if (!statement) return statement.error();
  std::vector<Network> networks;
  for (;;) {
    const auto row = statement->Step();
    if (!row) return row.error();
    if (!*row) return networks;
    Network network;
    network.name = statement->Text(0);
    network.created_at = FromMicroseconds(statement->Number(1));
    const auto pools = ReadPools(database, network.name);
    if (!pools) return pools.error();
    for (const Pool& pool : *pools) network.pools.push_back(pool.prefix);
    networks.push_back(std::move(network));
  }
}

}  // namespace jitwg::registry
