// Gives the kernel a captured packet again, as if it had just come in.
#pragma once

#include <string_view>

#include "lib/base/result.h"
#include "sniffer/completion/original_packet.h"

namespace jitwg::sniffer {

// Thread-safe.
class PacketInjector {
 public:
  virtual ~PacketInjector() = default;
  // "mirred", "raw".
  virtual std::string_view name() const = 0;
  // OK means that the kernel took it, not that a socket did.
  virtual Status Inject(const OriginalPacket& packet) = 0;
};

}  // namespace jitwg::sniffer
