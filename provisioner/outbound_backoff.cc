#include "provisioner/outbound_backoff.h"

#include <algorithm>

namespace jitwg::provisioner {

bool OutboundBackoff::Waits(const std::string& interface, const IpAddress& address,
                            SteadyTime now) const {
  const auto found = addresses_.find({interface, address});
  return found != addresses_.end() && now < found->second.until;
}

bool OutboundBackoff::Waits(const PeerId& id, const IpAddress& address, SteadyTime now) {
  const auto found = peers_.find(id);
  if (found == peers_.end() || now >= found->second.until) return false;
  Remember({id.interface, address}, {id.public_key, found->second.until}, now);
  return true;
}

void OutboundBackoff::NoteUnknown(const std::string& interface, const IpAddress& address,
                                  SteadyTime now) {
  Remember({interface, address}, {PublicKey(), now + limits_.unknown}, now);
}

void OutboundBackoff::NoteCall(const PeerId& id, const IpAddress& address,
                               std::chrono::milliseconds at_least, SteadyTime now) {
  if (peers_.size() >= limits_.capacity && !peers_.contains(id)) {
    std::erase_if(peers_, [&](const auto& item) { return item.second.until <= now; });
    if (peers_.size() >= limits_.capacity) return;
  }
  PeerWait& wait = peers_.try_emplace(id, PeerWait{limits_.first, now}).first->second;
  if (now - wait.until > limits_.forget) wait.delay = limits_.first;
  wait.until = now + at_least + wait.delay;
  wait.delay = std::min(wait.delay * 2, limits_.last);
  Remember({id.interface, address}, {id.public_key, wait.until}, now);
}

void OutboundBackoff::Remember(const Address& address, const AddressWait& wait, SteadyTime now) {
  if (addresses_.size() >= limits_.capacity && !addresses_.contains(address)) {
    std::erase_if(addresses_, [&](const auto& item) { return item.second.until <= now; });
    if (addresses_.size() >= limits_.capacity) return;
  }
  addresses_.insert_or_assign(address, wait);
}

void OutboundBackoff::Forget(const PeerId& id) {
  if (peers_.erase(id) == 0) return;
  std::erase_if(addresses_, [&](const auto& item) {
    return item.first.first == id.interface && item.second.public_key == id.public_key;
  });
}

void OutboundBackoff::ForgetKey(const std::optional<PublicKey>& key) {
  std::erase_if(peers_, [&](const auto& item) { return !key || item.first.public_key == *key; });
  std::erase_if(addresses_, [&](const auto& item) {
    return !key || item.second.public_key == *key || item.second.public_key.IsZero();
  });
}

}  // namespace jitwg::provisioner
