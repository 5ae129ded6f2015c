// The disk of a simulated machine: the three state files of the daemons as values that outlive
// their processes. In the place of provisioner/replay_store.cc, provisioner/peer_cache_file.cc,
// provisioner/state_file.cc and sniffer/install/own_set_journal.cc, whose own tests hold them to
// what is played here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lib/base/key.h"
#include "lib/base/tai64n.h"
#include "provisioner/peer_cache_file.h"
#include "sniffer/install/own_set_format.h"

namespace jitwg::simulation {

struct JournalFile {
  sniffer::JournalIdentity identity;
  std::map<PublicKey, std::int64_t> own;
};

// One machine's, for one schedule.
struct Disk {
  std::map<PublicKey, Tai64n> stamps;
  std::map<PublicKey, provisioner::CachedPeer> cache;
  std::optional<JournalFile> journal;
  // Faults: chances that a write fails.
  double full = 0;
  bool was_full = false;  // a write failed
  // For the self-test: what is written is gone at the next start; every peer is claimed.
  bool forgets_stamps = false;
  std::optional<PublicKey> journal_claims;

  static Disk& Current();
  Disk();
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
};

}  // namespace jitwg::simulation
