// The newest initiation of each caller who is not installed, by its id, for as long as the caller
// still waits for an answer to it. Bounded in number and in time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "sniffer/completion/original_packet.h"

namespace jitwg::sniffer {

struct HeldLimits {
  std::size_t capacity = 4096;
  // A client waits REKEY_TIMEOUT, 5 s (WireGuard paper 6.1), before it calls again; one that is
  // answered after that needs a third try.
  std::chrono::milliseconds longest{2000};
};

struct HeldCounts {
  std::uint64_t held = 0;         // now
  std::uint64_t superseded = 0;   // by a newer one of the same key
  std::uint64_t expired = 0;      // nobody was installed for it in time
  std::uint64_t out_of_room = 0;  // the oldest went for a new one
};

// Thread-safe. Never calls out under its lock: leases end after it.
class HeldInitiations {
 public:
  explicit HeldInitiations(HeldLimits limits = {});

  // `id` counts up from call to call. Takes the place of an older one of the same key.
  void Add(std::uint64_t id, const std::string& interface, const PublicKey& key, SteadyTime now,
           OriginalPacket packet);

  // Removes and returns it; nullopt: not there, superseded, or too old.
  std::optional<OriginalPacket> Take(std::uint64_t id, SteadyTime now);

  // Lets go what is too old.
  void Expire(SteadyTime now);

  HeldCounts counts() const;

 private:
  using Owner = std::pair<std::string, PublicKey>;
  struct Entry {
    Owner owner;
    SteadyTime since;
    OriginalPacket packet;
  };
  using Entries = std::map<std::uint64_t, Entry>;

  // Moves the packet out; mutex_ held.
  OriginalPacket Remove(Entries::iterator entry);

  const HeldLimits limits_;
  mutable std::mutex mutex_;
  Entries entries_;  // the oldest first, for ids count up
  std::map<Owner, std::uint64_t> newest_;
  HeldCounts counts_;
};

}  // namespace jitwg::sniffer
