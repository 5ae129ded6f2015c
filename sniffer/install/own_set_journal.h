// Remembers across a restart or kill -9 of the sniffer which peers of an interface are jitwg's: a
// small append-only file per interface. It must never lead to claiming a peer that somebody else
// made.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/key.h"
#include "lib/base/result.h"
#include "sniffer/install/own_set_format.h"

namespace jitwg::sniffer {

// Identity of interface `ifindex` on this host, now. kUnavailable when /proc does not tell.
Result<JournalIdentity> CurrentIdentity(std::uint32_t ifindex, const PublicKey& public_key);

// Mode 0600, one writer (a lock is held on the file). Not synced to the disk: the kernel's peers
// die with the machine too, so a file that outlives the process is enough (production keeps it on
// /run). Not thread-safe.
class OwnSetJournal {
 public:
  struct Opened {
    std::unique_ptr<OwnSetJournal> journal;
    std::vector<OwnRecord> own;  // a superset of what is in the kernel: intersect it with a dump
    std::string warning;         // one line for the log, or empty
  };

  // Reads `path` and starts a compacted file in its place; makes the folder (mode 0700) if only
  // that is missing. A damaged file or one of another program is moved to PATH.bad and claims
  // nothing. Errors: kAlreadyExists another process has it; kFailedPrecondition it is a symbolic
  // link, no regular file, or another user's; else the errno's.
  static Result<Opened> Open(const std::string& path, const JournalIdentity& identity);
  ~OwnSetJournal();
  OwnSetJournal(const OwnSetJournal&) = delete;
  OwnSetJournal& operator=(const OwnSetJournal&) = delete;

  // To be called before the kernel change. All or nothing.
  Status Add(std::span<const OwnRecord> records);
  // To be called after the kernel change.
  Status Drop(std::span<const PublicKey> keys);
  // Starts over for a new interface object.
  Status Reset(const JournalIdentity& identity, std::span<const OwnRecord> own);
  // The same object has a new key; the peers stay.
  Status Rename(const JournalIdentity& identity);

  std::size_t size_bytes() const { return size_; }

 private:
  OwnSetJournal(std::string path, JournalIdentity identity);
  Status Append(const JournalBytes& bytes);
  Status CompactIfLong();
  Status Rewrite();

  std::string path_;
  JournalIdentity identity_;
  int file_ = -1;
  std::size_t size_ = 0;
  bool out_of_step_ = false;  // half a record is at the end: write the file anew before the next
  std::unordered_map<PublicKey, std::int64_t, PublicKeyHash> live_;
};

}  // namespace jitwg::sniffer
