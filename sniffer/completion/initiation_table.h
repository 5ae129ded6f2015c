// The newest initiations that were told to watchers, by their id: where a completion strategy finds
// the caller's address. Holds no packet (HeldInitiations does). Bounded; the oldest is forgotten
// first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/tai64n.h"

namespace jitwg::sniffer {

struct RememberedInitiation {
  std::uint64_t id = 0;  // given by the table
  PublicKey public_key;
  std::string interface;
  Endpoint source;
  Endpoint destination;
  Tai64n timestamp;
  SteadyTime captured_at;
};

// Thread-safe.
class InitiationTable {
 public:
  explicit InitiationTable(std::size_t capacity = 16384);

  // Returns the new id, never 0, counting up.
  std::uint64_t Add(RememberedInitiation initiation);

  // nullopt: forgotten, or never there.
  std::optional<RememberedInitiation> Find(std::uint64_t id) const;

 private:
  mutable std::mutex mutex_;
  std::vector<RememberedInitiation> ring_;
  std::size_t capacity_;
  std::uint64_t next_id_ = 1;
};

}  // namespace jitwg::sniffer
