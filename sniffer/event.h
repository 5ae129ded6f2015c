// What the sniffer tells of an authenticated initiation, as a plain value.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/tai64n.h"

namespace jitwg::sniffer {

struct HandshakeEvent {
  std::uint64_t initiation_id = 0;  // unique in the life of the process, never 0
  std::string interface;
  PublicKey public_key;
  Endpoint source;
  Endpoint destination;
  Tai64n timestamp;
  WallTime captured_at;
  bool already_installed = false;
};

// Takes events from the pipeline's worker threads; must not block.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // What became known together, oldest first; never empty.
  virtual void OnEvents(std::span<const HandshakeEvent> events) = 0;
};

}  // namespace jitwg::sniffer
