// See own_set_format.h.
#include "sniffer/install/own_set_format.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace jitwg::sniffer {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::string_view kMagic = "JITWGOWN";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kBootIdSize = 36;
constexpr std::size_t kCrcSize = 4;
constexpr std::uint8_t kAdded = 'A';
constexpr std::uint8_t kDropped = 'D';

static_assert(kJournalHeaderSize == 8 + 4 + 4 + 8 + kBootIdSize + kKeySize + kCrcSize);
static_assert(kJournalRecordSize == 1 + kKeySize + 8 + kCrcSize);

// CRC-32 (IEEE 802.3), against accidents only.
std::uint32_t Crc32(Bytes bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

template <class T>
void PutNumber(T value, JournalBytes& out) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
  }
}

template <class T>
T TakeNumber(Bytes& bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  bytes = bytes.subspan(sizeof(T));
  return static_cast<T>(value);
}

Bytes TakeBytes(Bytes& bytes, std::size_t count) {
  const Bytes taken = bytes.first(count);
  bytes = bytes.subspan(count);
  return taken;
}

void PutRecord(std::uint8_t type, const OwnRecord& record, JournalBytes& out) {
  const std::size_t start = out.size();
  out.push_back(type);
  out.insert(out.end(), record.public_key.bytes.begin(), record.public_key.bytes.end());
  PutNumber(record.installed_at, out);
  PutNumber(Crc32(Bytes(out).subspan(start)), out);
}

bool CrcIsRight(Bytes whole) {
  Bytes tail = whole.last(kCrcSize);
  return TakeNumber<std::uint32_t>(tail) == Crc32(whole.first(whole.size() - kCrcSize));
}

DecodedJournal Bad(std::string warning) {
  DecodedJournal bad;
  bad.warning = std::move(warning);
  bad.damaged = true;
  return bad;
}

// Nothing when the header is in order; `identity` is set then.
std::string ParseHeader(Bytes header, JournalIdentity& identity) {
  const Bytes whole = header;
  const Bytes magic = TakeBytes(header, kMagic.size());
  if (!std::equal(magic.begin(), magic.end(), kMagic.begin())) return "it is no own-set journal";
  if (TakeNumber<std::uint32_t>(header) != kVersion) return "it has another format version";
  if (!CrcIsRight(whole)) return "its header is damaged";
  identity.ifindex = TakeNumber<std::uint32_t>(header);
  identity.network_namespace = TakeNumber<std::uint64_t>(header);
  const Bytes boot_id = TakeBytes(header, kBootIdSize);
  identity.boot_id.assign(boot_id.begin(), boot_id.end());
  identity.public_key = *PublicKey::FromBytes(TakeBytes(header, kKeySize));
  return "";
}

using LiveSet = std::unordered_map<PublicKey, std::int64_t, PublicKeyHash>;

bool ApplyRecord(Bytes record, LiveSet& live) {
  if (!CrcIsRight(record)) return false;
  const auto type = TakeNumber<std::uint8_t>(record);
  const PublicKey key = *PublicKey::FromBytes(TakeBytes(record, kKeySize));
  if (type == kDropped) {
    live.erase(key);
    return true;
  }
  if (type != kAdded || live.size() >= kMaxPeersInDump) return false;
  live[key] = TakeNumber<std::int64_t>(record);
  return true;
}

}  // namespace

bool JournalIdentity::SameObject(const JournalIdentity& other) const {
  return !boot_id.empty() && boot_id == other.boot_id && ifindex == other.ifindex &&
         network_namespace == other.network_namespace;
}

void AppendHeader(const JournalIdentity& identity, JournalBytes& out) {
  const std::size_t start = out.size();
  out.insert(out.end(), kMagic.begin(), kMagic.end());
  PutNumber(kVersion, out);
  PutNumber(identity.ifindex, out);
  PutNumber(identity.network_namespace, out);
  std::array<char, kBootIdSize> boot_id{};
  std::copy_n(identity.boot_id.begin(), std::min(kBootIdSize, identity.boot_id.size()),
              boot_id.begin());
  out.insert(out.end(), boot_id.begin(), boot_id.end());
  out.insert(out.end(), identity.public_key.bytes.begin(), identity.public_key.bytes.end());
  PutNumber(Crc32(Bytes(out).subspan(start)), out);
}

void AppendAdded(const OwnRecord& record, JournalBytes& out) { PutRecord(kAdded, record, out); }

void AppendDropped(const PublicKey& key, JournalBytes& out) {
  PutRecord(kDropped, OwnRecord{key, 0}, out);
}

DecodedJournal DecodeJournal(Bytes bytes, const JournalIdentity& identity) {
  if (bytes.empty()) return {};
  if (bytes.size() > kMaxJournalSize) return Bad("it is too large");
  if (bytes.size() < kJournalHeaderSize) return Bad("it is cut off inside its header");
  JournalIdentity written;
  std::string fault = ParseHeader(TakeBytes(bytes, kJournalHeaderSize), written);
  if (!fault.empty()) return Bad(std::move(fault));
  DecodedJournal decoded;
  if (!identity.SameObject(written)) return decoded;
  LiveSet live;
  while (bytes.size() >= kJournalRecordSize) {
    if (!ApplyRecord(TakeBytes(bytes, kJournalRecordSize), live)) {
      return Bad("a record in it is damaged");
    }
  }
  // A crash while it was written; the kernel change that the record announced had not begun.
  if (!bytes.empty()) decoded.warning = "a half-written record at its end was ignored";
  for (const auto& [key, installed_at] : live) decoded.own.push_back({key, installed_at});
  std::sort(decoded.own.begin(), decoded.own.end(),
            [](const OwnRecord& a, const OwnRecord& b) { return a.public_key < b.public_key; });
  return decoded;
}

}  // namespace jitwg::sniffer
