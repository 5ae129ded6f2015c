// The bytes of the own-set journal: which peers of an interface jitwg installed. Pure. It holds
// public keys and times, never a secret.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/base/key.h"
#include "sniffer/install/limits.h"

namespace jitwg::sniffer {

// Which interface object the journal speaks of. An index is given out once in a network namespace
// and boot, so boot id, namespace and index name one object; a new key on it is the same object
// with its peers still there.
struct JournalIdentity {
  std::string boot_id;                  // /proc/sys/kernel/random/boot_id, 36 characters
  std::uint64_t network_namespace = 0;  // inode of /proc/self/ns/net
  std::uint32_t ifindex = 0;
  PublicKey public_key;

  // Everything but the public key.
  bool SameObject(const JournalIdentity& other) const;
};

struct OwnRecord {
  PublicKey public_key;
  std::int64_t installed_at = 0;  // Unix seconds

  bool operator==(const OwnRecord&) const = default;
};

// Header: "JITWGOWN", version u32, ifindex u32, namespace u64, boot id 36 bytes, public key 32,
// CRC-32 u32; numbers are little-endian. Record: 'A' (added) or 'D' (dropped), public key 32,
// installed at i64, CRC-32 u32.
inline constexpr std::size_t kJournalHeaderSize = 96;
inline constexpr std::size_t kJournalRecordSize = 45;
// Dropped records that may pile up beyond the live ones before the file is written anew, and so its
// largest size.
inline constexpr std::size_t kJournalSlackRecords = 1024;
inline constexpr std::size_t kMaxJournalSize =
    kJournalHeaderSize + (2 * kMaxPeersInDump + kJournalSlackRecords) * kJournalRecordSize;

using JournalBytes = std::vector<std::uint8_t>;

void AppendHeader(const JournalIdentity& identity, JournalBytes& out);
void AppendAdded(const OwnRecord& record, JournalBytes& out);
void AppendDropped(const PublicKey& key, JournalBytes& out);

struct DecodedJournal {
  // What may be claimed as own. Empty unless the whole journal but a half-written end is in order:
  // one lost 'D' could claim a peer that is somebody else's by now.
  std::vector<OwnRecord> own;
  // One line for the log; empty when all is well, also for the journal of an interface that is
  // gone.
  std::string warning;
  // The file is none of ours or is damaged: worth keeping aside for a person to look at.
  bool damaged = false;
};

// Any bytes. At most kMaxPeersInDump peers.
DecodedJournal DecodeJournal(std::span<const std::uint8_t> bytes, const JournalIdentity& identity);

}  // namespace jitwg::sniffer
