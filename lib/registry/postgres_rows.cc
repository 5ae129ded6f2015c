#include "lib/registry/postgres_rows.h"

#include <algorithm>

namespace jitwg::registry {
namespace {

enum Column : std::uint8_t {
  kPublicKey,
  kName,
  kNetwork,
  kAllowedIps,
  kPresharedKey,
  kKeepalive,
  kPinned,
  kGateway,
  kEnabled,
  kExpiresAt,
  kCreatedAt,
  kUpdatedAt,
  kColumns
};

using Bytes = std::span<const std::uint8_t>;

std::int64_t BigEndian(Bytes bytes) {
  // The sign is in the first byte.
  std::int64_t value = bytes.front() < 0x80 ? bytes.front() : bytes.front() - 0x100;
  for (const std::uint8_t byte : bytes.subspan(1)) value = value * 256 + byte;
  return value;
}

struct Inet {
  IpAddress address;
  int bits = 0;
};

// inet_send(): family (2 or 3), bits, is_cidr, number of bytes, the bytes.
std::optional<Inet> ReadInet(Bytes bytes) {
  if (bytes.size() < 4 || bytes[3] != bytes.size() - 4) return std::nullopt;
  if (bytes[3] != (bytes[0] == 2 ? 4 : 16)) return std::nullopt;
  const auto address = IpAddress::FromBytes(bytes.subspan(4));
  if (!address) return std::nullopt;
  return Inet{*address, bytes[1]};
}

std::optional<IpPrefix> ReadPrefix(Bytes bytes) {
  const auto inet = ReadInet(bytes);
  if (!inet) return std::nullopt;
  const auto prefix = IpPrefix::Make(inet->address, inet->bits);
  if (!prefix) return std::nullopt;
  return *prefix;
}

Error Damaged(const PublicKey& key, const std::string& what) {
  return Error{ErrorCode::kDataLoss, "the registry's row of peer " + key.ToBase64() +
                                         " makes no sense (" + what +
                                         "); mend it, or remove and add the peer"};
}

Status ReadSettings(const PGresult* result, int row, Peer& peer) {
  const auto keepalive = PostgresCell(result, row, kKeepalive).Number();
  const auto pinned = PostgresCell(result, row, kPinned).Bool();
  const auto enabled = PostgresCell(result, row, kEnabled).Bool();
  if (!keepalive || *keepalive < 0 || *keepalive > 65535) {
    return Damaged(peer.public_key, "persistent keepalive");
  }
  if (!pinned || !enabled) return Damaged(peer.public_key, "pinned or enabled");
  peer.persistent_keepalive = static_cast<std::uint16_t>(*keepalive);
  peer.pinned = *pinned;
  peer.enabled = *enabled;
  const PostgresCell psk(result, row, kPresharedKey);
  if (psk.is_null()) return {};
  if (psk.bytes().size() != kKeySize) return Damaged(peer.public_key, "preshared key");
  peer.preshared_key = PresharedKey::CopyOf(psk.bytes().first<kKeySize>());
  return {};
}

Status ReadTimes(const PGresult* result, int row, Peer& peer) {
  const PostgresCell expires(result, row, kExpiresAt);
  const auto created = PostgresCell(result, row, kCreatedAt).Time();
  const auto updated = PostgresCell(result, row, kUpdatedAt).Time();
  if (!created || !updated) return Damaged(peer.public_key, "times");
  if (!expires.is_null() && !expires.Time()) return Damaged(peer.public_key, "expiry");
  peer.created_at = *created;
  peer.updated_at = *updated;
  peer.expires_at = expires.Time();
  return {};
}

}  // namespace

PostgresCell::PostgresCell(const PGresult* result, int row, int column)
    : bytes_(reinterpret_cast<const std::uint8_t*>(PQgetvalue(result, row, column)),
             static_cast<std::size_t>(PQgetlength(result, row, column))),
      null_(PQgetisnull(result, row, column) != 0) {}

std::string PostgresCell::Text() const {
  return std::string(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
}

std::optional<std::int64_t> PostgresCell::Number() const {
  if (bytes_.size() != 2 && bytes_.size() != 4 && bytes_.size() != 8) return std::nullopt;
  return BigEndian(bytes_);
}

std::optional<bool> PostgresCell::Bool() const {
  if (bytes_.size() != 1) return std::nullopt;
  return bytes_[0] != 0;
}

std::optional<WallTime> PostgresCell::Time() const {
  if (bytes_.size() != 8) return std::nullopt;
  return FromPostgresTime(BigEndian(bytes_));
}

std::optional<IpPrefix> PostgresCell::Prefix() const { return ReadPrefix(bytes_); }

std::optional<IpAddress> PostgresCell::Address() const {
  const auto inet = ReadInet(bytes_);
  if (!inet) return std::nullopt;
  return inet->address;
}

// array_send(): dimensions, flags, type, (length, lower bound) of each dimension, then each element
// as length and bytes.
std::optional<std::vector<IpPrefix>> PostgresCell::Prefixes() const {
  std::vector<IpPrefix> prefixes;
  if (bytes_.size() < 12) return std::nullopt;
  const std::int64_t dimensions = BigEndian(bytes_.first(4));
  if (dimensions == 0) return prefixes;
  if (dimensions != 1 || bytes_.size() < 20) return std::nullopt;
  const std::int64_t count = BigEndian(bytes_.subspan(12, 4));
  Bytes rest = bytes_.subspan(20);
  for (std::int64_t i = 0; i < count; ++i) {
    if (rest.size() < 4) return std::nullopt;
    const std::int64_t length = BigEndian(rest.first(4));
    rest = rest.subspan(4);
    if (length < 0 || static_cast<std::size_t>(length) > rest.size()) return std::nullopt;
    const auto prefix = ReadPrefix(rest.first(static_cast<std::size_t>(length)));
    if (!prefix) return std::nullopt;
    prefixes.push_back(*prefix);
    rest = rest.subspan(static_cast<std::size_t>(length));
  }
  return prefixes;
}

Result<Peer> ReadPeer(const PGresult* result, int row) {
  if (PQnfields(result) != kColumns || row >= PQntuples(result)) {
    return Error{ErrorCode::kDataLoss, "the registry database answered with other columns"};
  }
  const auto key = PublicKey::FromBytes(PostgresCell(result, row, kPublicKey).bytes());
  if (!key) return Error{ErrorCode::kDataLoss, "the registry has a peer whose key is not 32 bytes"};
  Peer peer;
  peer.public_key = *key;
  peer.name = PostgresCell(result, row, kName).Text();
  peer.network = PostgresCell(result, row, kNetwork).Text();
  peer.gateway = PostgresCell(result, row, kGateway).Text();
  auto prefixes = PostgresCell(result, row, kAllowedIps).Prefixes();
  if (!prefixes) return Damaged(*key, "allowed IPs");
  peer.allowed_ips = std::move(*prefixes);
  if (auto read = ReadSettings(result, row, peer); !read) return read.error();
  if (auto read = ReadTimes(result, row, peer); !read) return read.error();
  if (const auto valid = Validate(peer); !valid) return Damaged(*key, valid.error().message);
  return peer;
}

Result<std::vector<Peer>> ReadPeers(const PGresult* result) {
  std::vector<Peer> peers;
  for (int row = 0; row < PQntuples(result); ++row) {
    auto peer = ReadPeer(result, row);
    if (!peer) return peer.error();
    peers.push_back(std::move(*peer));
  }
  return peers;
}

void AddPeer(PostgresParameters& parameters, const Peer& peer, WallTime now) {
  parameters.Bytes(peer.public_key.bytes).Text(peer.name).Text(peer.network);
  parameters.Prefixes(peer.allowed_ips);
  if (peer.preshared_key) {
    parameters.Bytes(peer.preshared_key->bytes());
  } else {
    parameters.Null();
  }
  parameters.Number(peer.persistent_keepalive).Bool(peer.pinned).Text(peer.gateway);
  parameters.Bool(peer.enabled).Time(peer.expires_at).Time(now);
}

}  // namespace jitwg::registry
