#include "lib/registry/sqlite_rows.h"

#include <algorithm>

namespace jitwg::registry {
namespace {

enum Column : int {
  kPublicKey,
  kName,
  kNetwork,
  kPresharedKey,
  kKeepalive,
  kPinned,
  kGateway,
  kEnabled,
  kExpiresAt,
  kCreatedAt,
  kUpdatedAt,
  kFamily,
  kFirst,
  kLast,
  kPrefixLength,
};

Error Damaged(const PublicKey& key, const std::string& what) {
  return Error{ErrorCode::kDataLoss, "the registry's row of peer " + key.ToBase64() +
                                         " is damaged (" + what + "); revoke it and add it again"};
}

Result<IpPrefix> ReadPrefix(const SqliteStatement& row, const PublicKey& key) {
  const auto first = row.Blob(kFirst);
  const auto last = row.Blob(kLast);
  const std::int64_t family = row.Number(kFamily);
  const std::int64_t length = row.Number(kPrefixLength);
  if (first.size() != 16 || last.size() != 16 || (family != 4 && family != 6) || length < 0 ||
      length > 128) {
    return Damaged(key, "allowed IP");
  }
  const auto address =
      family == 4 ? IpAddress::V4(first.first<4>()) : IpAddress::V6(first.first<16>());
  const auto prefix = IpPrefix::Make(address, static_cast<int>(length));
  if (!prefix) return Damaged(key, prefix.error().message);
  const PrefixRange range = RangeOf(*prefix);
  if (!std::equal(first.begin(), first.end(), range.first.begin()) ||
      !std::equal(last.begin(), last.end(), range.last.begin())) {
    return Damaged(key, "ends of an allowed IP");
  }
  return *prefix;
}

Result<Peer> ReadPeer(const SqliteStatement& row) {
  const auto key = PublicKey::FromBytes(row.Blob(kPublicKey));
  if (!key) return Error{ErrorCode::kDataLoss, "the registry has a peer whose key is not 32 bytes"};
  Peer peer;
  peer.public_key = *key;
  peer.name = row.Text(kName);
  peer.network = row.Text(kNetwork);
  peer.gateway = row.Text(kGateway);
  peer.pinned = row.Number(kPinned) != 0;
  peer.enabled = row.Number(kEnabled) != 0;
  peer.created_at = FromMicroseconds(row.Number(kCreatedAt));
  peer.updated_at = FromMicroseconds(row.Number(kUpdatedAt));
  if (!row.IsNull(kExpiresAt)) peer.expires_at = FromMicroseconds(row.Number(kExpiresAt));
  const std::int64_t keepalive = row.Number(kKeepalive);
  if (keepalive < 0 || keepalive > 65535) return Damaged(*key, "persistent keepalive");
  peer.persistent_keepalive = static_cast<std::uint16_t>(keepalive);
  if (!row.IsNull(kPresharedKey)) {
    const auto psk = row.Blob(kPresharedKey);
    if (psk.size() != kKeySize) return Damaged(*key, "preshared key");
    peer.preshared_key = PresharedKey::CopyOf(psk.first<kKeySize>());
  }
  return peer;
}

Status CheckAll(const std::vector<Peer>& peers) {
  for (const Peer& peer : peers) {
    if (const auto valid = Validate(peer); !valid) {
      return Damaged(peer.public_key, valid.error().message);
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Peer>> ReadPeers(SqliteStatement& statement) {
  std::vector<Peer> peers;
  for (;;) {
    const auto row = statement.Step();
    if (!row) return row.error();
    if (!*row) break;
    const auto key = statement.Blob(kPublicKey);
    if (peers.empty() || !std::equal(key.begin(), key.end(), peers.back().public_key.bytes.begin(),
                                     peers.back().public_key.bytes.end())) {
      auto peer = ReadPeer(statement);
      if (!peer) return peer.error();
      peers.push_back(std::move(*peer));
    }
    if (statement.IsNull(kFamily)) continue;
    const auto prefix = ReadPrefix(statement, peers.back().public_key);
    if (!prefix) return prefix.error();
    peers.back().allowed_ips.push_back(*prefix);
  }
  if (auto valid = CheckAll(peers); !valid) return valid.error();
  return peers;
}

std::int64_t FamilyNumber(const IpPrefix& prefix) { return prefix.address().is_v4() ? 4 : 6; }

PrefixRange RangeOf(const IpPrefix& prefix) {
  PrefixRange range;
  const auto bytes = prefix.address().bytes();
  std::copy(bytes.begin(), bytes.end(), range.first.begin());
  range.last = range.first;
  for (int bit = prefix.length(); bit < prefix.address().bit_length(); ++bit) {
    range.last[static_cast<std::size_t>(bit / 8)] |= static_cast<std::uint8_t>(0x80 >> (bit % 8));
  }
  return range;
}

std::int64_t ToMicroseconds(WallTime time) {
  return std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count();
}

WallTime FromMicroseconds(std::int64_t microseconds) {
  // A hand-made value beyond the clock's range (years 1677..2262) is taken as its end.
  constexpr std::int64_t kLimit =
      std::chrono::floor<std::chrono::microseconds>(WallTime::duration::max()).count();
  return WallTime(std::chrono::microseconds(std::clamp(microseconds, -kLimit, kLimit)));
}

}  // namespace jitwg::registry
