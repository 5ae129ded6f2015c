// A packet that this gateway has for an address of which no peer is installed, as a plain value.
#pragma once

#include <cstdint>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/net.h"

namespace jitwg::sniffer {

struct OutboundDemand {
  std::uint64_t id = 0;  // unique in the life of the process, never 0
  std::string interface;
  IpAddress destination;  // inside the tunnel
  WallTime asked_at;
};

// Takes demands from the tap's threads; must not block.
class DemandSink {
 public:
  virtual ~DemandSink() = default;
  virtual void OnDemand(const OutboundDemand& demand) = 0;
};

}  // namespace jitwg::sniffer
