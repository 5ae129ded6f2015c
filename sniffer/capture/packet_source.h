// Where captured frames come from: a live interface, a capture file, or a fake. Delivers frames as
// they are; what is in them is DecodeDatagram's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "sniffer/capture/link_type.h"

namespace jitwg::sniffer {

// A packet that the kernel holds back for us. When the last reference dies the kernel lets it go on
// its way, whatever became of it here; any thread.
class PacketLease {
 public:
  PacketLease() = default;
  virtual ~PacketLease() = default;
  PacketLease(const PacketLease&) = delete;
  PacketLease& operator=(const PacketLease&) = delete;
};

// One frame. The bytes belong to the source and are gone when the handler returns.
struct CapturedPacket {
  LinkType link_type = LinkType::kEthernet;
  std::span<const std::uint8_t> bytes;
  std::size_t wire_length = 0;         // before the capture cut it
  WallTime timestamp;                  // when the kernel saw it
  std::string_view source_name;        // PacketSource::name()
  std::uint32_t ifindex = 0;           // of a source bound to one interface; 0 otherwise
  std::shared_ptr<PacketLease> lease;  // none from a source that only listens
};

// Counts since the source was opened; they never go back, also when the interface was opened again.
struct PacketSourceStats {
  std::uint64_t received = 0;              // passed the filter and found room
  std::uint64_t dropped_by_kernel = 0;     // passed the filter, but the ring was full
  std::uint64_t dropped_by_interface = 0;  // lost before the filter, by card or driver, of any kind
  std::uint64_t reopened = 0;              // times the interface came back after it was lost
};

class PacketSource {
 public:
  using Handler = std::function<void(const CapturedPacket&)>;

  virtual ~PacketSource() = default;

  // The interface ("eth0", "any") or the file.
  virtual std::string_view name() const = 0;

  // Delivers every packet to `handler`, on this thread, until `stop` or, for a file, its end; both
  // are OK. Live sources do not return for an interface that went away, they wait for it. To be
  // called once.
  virtual Status Run(const Handler& handler, std::stop_token stop) = 0;

  // From now on only initiations to these UDP ports are wanted; none means no packet at all. Takes
  // effect when it returns, without a gap in the capture. Any thread, also while Run runs. Files
  // pass everything, whatever the ports.
  virtual Status SetPorts(std::span<const std::uint16_t> ports) = 0;

  // Any thread.
  virtual PacketSourceStats GetStats() = 0;
};

}  // namespace jitwg::sniffer
