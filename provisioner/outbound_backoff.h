// How long nobody is to be called because of packets that the gateway has: traffic to a client that
// is off must not install and evict it for ever, and an address that nobody has must not be looked
// up for each packet. Pure, bounded; not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "lib/base/clock.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

struct OutboundBackoffLimits {
  std::chrono::milliseconds first = std::chrono::seconds(15);  // doubles with each call in vain
  std::chrono::milliseconds last = std::chrono::minutes(5);
  std::chrono::milliseconds unknown = std::chrono::seconds(5);  // an address that is nobody's
  // A peer that was not called for so long begins with `first` again.
  std::chrono::milliseconds forget = std::chrono::minutes(15);
  std::size_t capacity = 4096;  // addresses, and peers; those beyond are not slowed down
};

class OutboundBackoff {
 public:
  explicit OutboundBackoff(const OutboundBackoffLimits& limits = {}) : limits_(limits) {}

  // Is this address to wait? Without knowing whose it is.
  bool Waits(const std::string& interface, const IpAddress& address, SteadyTime now) const;
  // Is the peer to wait that has the address? If so the address is remembered, too.
  bool Waits(const PeerId& id, const IpAddress& address, SteadyTime now);

  void NoteUnknown(const std::string& interface, const IpAddress& address, SteadyTime now);
  // The peer was called, or could not be. The next call is due `at_least` from now, and the
  // back-off's time after that.
  void NoteCall(const PeerId& id, const IpAddress& address, std::chrono::milliseconds at_least,
                SteadyTime now);

  // The peer gave a sign of life.
  void Forget(const PeerId& id);
  // The registry changed: this key, or anything. Addresses that were nobody's may be somebody's.
  void ForgetKey(const std::optional<PublicKey>& key);

  bool has_peers() const { return !peers_.empty(); }
  bool Knows(const PeerId& id) const { return peers_.contains(id); }
  std::size_t addresses() const { return addresses_.size(); }
  std::size_t peers() const { return peers_.size(); }

 private:
  using Address = std::pair<std::string, IpAddress>;
  struct AddressWait {
    PublicKey public_key;  // zero: nobody's
    SteadyTime until;
  };
  struct PeerWait {
    std::chrono::milliseconds delay;  // the next one
    SteadyTime until;
  };

  void Remember(const Address& address, const AddressWait& wait, SteadyTime now);

  const OutboundBackoffLimits limits_;
  std::map<Address, AddressWait> addresses_;
  std::unordered_map<PeerId, PeerWait, PeerIdHash> peers_;
};

}  // namespace jitwg::provisioner
