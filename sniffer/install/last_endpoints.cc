#include "sniffer/install/last_endpoints.h"

#include <iterator>

namespace jitwg::sniffer {

void LastEndpoints::Remember(const PublicKey& key, const Endpoint& endpoint) {
  if (capacity_ == 0) return;
  if (const auto known = entries_.find(key); known != entries_.end()) {
    known->second.endpoint = endpoint;
    oldest_first_.splice(oldest_first_.end(), oldest_first_, known->second.place);
    return;
  }
  if (entries_.size() >= capacity_) {
    entries_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
  oldest_first_.push_back(key);
  entries_.emplace(key, Entry{endpoint, std::prev(oldest_first_.end())});
}

std::optional<Endpoint> LastEndpoints::Find(const PublicKey& key) const {
  const auto known = entries_.find(key);
  if (known == entries_.end()) return std::nullopt;
  return known->second.endpoint;
}

}  // namespace jitwg::sniffer
