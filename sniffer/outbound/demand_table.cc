#include "sniffer/outbound/demand_table.h"

#include <utility>

namespace jitwg::sniffer {

std::uint64_t DemandTable::Add(Entry entry) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= capacity_) entries_.erase(entries_.begin());
  entries_.emplace(next_id_, std::move(entry));
  return next_id_++;
}

std::optional<DemandTable::Entry> DemandTable::Take(std::uint64_t id, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  auto found = entries_.extract(id);
  if (found.empty() || now - found.mapped().seen_at > valid_for_) return std::nullopt;
  return std::move(found.mapped());
}

}  // namespace jitwg::sniffer
