// Where own peers were when they went: the endpoint that WireGuard itself had learned from packets
// it authenticated. Bounded; who was remembered longest ago is forgotten first. Not thread-safe.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <unordered_map>

#include "lib/base/key.h"
#include "lib/base/net.h"

namespace jitwg::sniffer {

class LastEndpoints {
 public:
  // 0 remembers nothing.
  explicit LastEndpoints(std::size_t capacity) : capacity_(capacity) {}

  // In the place of what was known of the key before.
  void Remember(const PublicKey& key, const Endpoint& endpoint);
  // nullopt: nothing is known.
  std::optional<Endpoint> Find(const PublicKey& key) const;

  std::size_t size() const { return entries_.size(); }

 private:
  using Order = std::list<PublicKey>;
  struct Entry {
    Endpoint endpoint;
    Order::iterator place;
  };

  const std::size_t capacity_;
  Order oldest_first_;
  std::unordered_map<PublicKey, Entry, PublicKeyHash> entries_;
};

}  // namespace jitwg::sniffer
