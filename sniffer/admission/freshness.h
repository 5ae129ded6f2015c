// The newest time stamp each proved key has used on each interface, for as many keys as fit. A
// cheap first sieve for replays: the memory that survives evictions and restarts is the
// provisioner's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/base/key.h"
#include "lib/base/tai64n.h"
#include "sniffer/admission/verdict.h"

namespace jitwg::sniffer {

// One thread, or the caller's lock. The least recently used key makes room; anyone can make keys
// and prove them, so a stranger can push a client's entry out. That costs a look-up, not safety.
class FreshnessTable {
 public:
  // At least 1 key.
  explicit FreshnessTable(std::size_t capacity = 65536);

  // kAdmitted when `stamp` is strictly newer than all seen from `key` on `interface_id`, and
  // remembers it; kSameStamp or kOlderStamp otherwise. Only for keys that opened the time stamp's
  // AEAD. `interface_id` is whatever the caller tells interfaces apart by; an interface with a new
  // key needs a new one.
  AdmissionVerdict Observe(std::uint32_t interface_id, const PublicKey& key, const Tai64n& stamp);

  // Forgets `key` on the interface, so that its next stamp is taken whatever it is. False when it
  // was not there.
  bool Forget(std::uint32_t interface_id, const PublicKey& key);

  std::size_t size() const { return size_; }
  // Fixed at construction.
  std::size_t memory_bytes() const;

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = UINT32_MAX;
  struct Entry {
    PublicKey key;
    Tai64n newest;
    std::uint32_t interface_id = 0;
    Index next_in_bucket = kNone;
    Index newer = kNone;  // towards the most recently used
    Index older = kNone;
  };

  Index& BucketOf(std::uint32_t interface_id, const PublicKey& key);
  Index Find(std::uint32_t interface_id, const PublicKey& key);
  Index TakeFree();
  void Insert(std::uint32_t interface_id, const PublicKey& key, const Tai64n& stamp);
  void Remove(Index index);
  void LinkNewest(Index index);
  void Unlink(Index index);

  const std::size_t capacity_;
  std::vector<Entry> entries_;  // never reallocated
  std::vector<Index> buckets_;  // a power of two of them
  Index newest_ = kNone;
  Index oldest_ = kNone;
  Index free_ = kNone;  // chained by next_in_bucket
  std::size_t size_ = 0;
};

}  // namespace jitwg::sniffer
