// The sniffer's interfaces as it last described them, so that a decision needs no call.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "provisioner/values.h"

namespace jitwg::provisioner {

// Thread-safe.
class InterfaceTable {
 public:
  // Replaces the whole. True when an interface is new, came back or has another generation: what
  // was installed in it may be gone.
  bool Update(std::vector<InterfaceState> states);

  // nullptr: not known (yet). The value stays valid while it is held.
  std::shared_ptr<const InterfaceState> Find(const std::string& interface) const;
  // Those that are there at present.
  std::vector<std::shared_ptr<const InterfaceState>> Present() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const InterfaceState>> states_;
};

}  // namespace jitwg::provisioner
