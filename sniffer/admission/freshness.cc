#include "sniffer/admission/freshness.h"

#include <algorithm>
#include <array>
#include <bit>

namespace jitwg::sniffer {

FreshnessTable::FreshnessTable(std::size_t capacity)
    : capacity_(std::clamp<std::size_t>(capacity, 1, std::size_t{1} << 24)),
      buckets_(std::bit_ceil(capacity_), kNone) {
  // Its pages become real ones only as keys come.
  entries_.reserve(capacity_);
}

std::size_t FreshnessTable::memory_bytes() const {
  return sizeof(*this) + entries_.capacity() * sizeof(Entry) + buckets_.capacity() * sizeof(Index);
}

AdmissionVerdict FreshnessTable::Observe(std::uint32_t interface_id, const PublicKey& key,
                                         const Tai64n& stamp) {
  const Index index = Find(interface_id, key);
  if (index == kNone) {
    Insert(interface_id, key, stamp);
    return AdmissionVerdict::kAdmitted;
  }
  Unlink(index);
  LinkNewest(index);
  Entry& entry = entries_[index];
  if (stamp == entry.newest) return AdmissionVerdict::kSameStamp;
  if (stamp < entry.newest) return AdmissionVerdict::kOlderStamp;
  entry.newest = stamp;
  return AdmissionVerdict::kAdmitted;
}

bool FreshnessTable::Forget(std::uint32_t interface_id, const PublicKey& key) {
  const Index index = Find(interface_id, key);
  if (index == kNone) return false;
  Remove(index);
  return true;
}

FreshnessTable::Index& FreshnessTable::BucketOf(std::uint32_t interface_id, const PublicKey& key) {
  std::array<std::uint8_t, kKeySize + 4> id{};
  std::copy(key.bytes.begin(), key.bytes.end(), id.begin());
  for (std::size_t at = 0; at < 4; ++at) {
    id[kKeySize + at] = static_cast<std::uint8_t>(interface_id >> (8 * at));
  }
  return buckets_[SeededHash(id) & (buckets_.size() - 1)];
}

FreshnessTable::Index FreshnessTable::Find(std::uint32_t interface_id, const PublicKey& key) {
  for (Index index = BucketOf(interface_id, key); index != kNone;
       index = entries_[index].next_in_bucket) {
    if (entries_[index].interface_id == interface_id && entries_[index].key == key) return index;
  }
  return kNone;
}

FreshnessTable::Index FreshnessTable::TakeFree() {
  if (free_ == kNone && entries_.size() < capacity_) {
    entries_.emplace_back();
    return static_cast<Index>(entries_.size() - 1);
  }
  if (free_ == kNone) Remove(oldest_);
  const Index index = free_;
  free_ = entries_[index].next_in_bucket;
  return index;
}

void FreshnessTable::Insert(std::uint32_t interface_id, const PublicKey& key, const Tai64n& stamp) {
  const Index index = TakeFree();
  Index& bucket = BucketOf(interface_id, key);
  entries_[index] = Entry{key, stamp, interface_id, bucket, kNone, kNone};
  bucket = index;
  LinkNewest(index);
  ++size_;
}

void FreshnessTable::Remove(Index index) {
  Entry& entry = entries_[index];
  Index* link = &BucketOf(entry.interface_id, entry.key);
  while (*link != index) link = &entries_[*link].next_in_bucket;
  *link = entry.next_in_bucket;
  Unlink(index);
  entry.next_in_bucket = free_;
  free_ = index;
  --size_;
}

void FreshnessTable::LinkNewest(Index index) {
  entries_[index].newer = kNone;
  entries_[index].older = newest_;
  if (newest_ != kNone) entries_[newest_].newer = index;
  newest_ = index;
  if (oldest_ == kNone) oldest_ = index;
}

void FreshnessTable::Unlink(Index index) {
  const Entry& entry = entries_[index];
  (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

}  // namespace jitwg::sniffer
