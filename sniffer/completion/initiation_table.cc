#include "sniffer/completion/initiation_table.h"

#include <utility>

namespace jitwg::sniffer {

InitiationTable::InitiationTable(std::size_t capacity) : capacity_(capacity) {}

std::uint64_t InitiationTable::Add(RememberedInitiation initiation) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t id = next_id_++;
  initiation.id = id;
  if (ring_.size() < capacity_) {
    ring_.push_back(std::move(initiation));
  } else {
    ring_[(id - 1) % capacity_] = std::move(initiation);
  }
  return id;
}

std::optional<RememberedInitiation> InitiationTable::Find(std::uint64_t id) const {
  const std::lock_guard lock(mutex_);
  if (id == 0 || id >= next_id_ || next_id_ - id > ring_.size()) return std::nullopt;
  return ring_[(id - 1) % capacity_];
}

}  // namespace jitwg::sniffer
