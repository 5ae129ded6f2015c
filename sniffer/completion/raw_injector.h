// Sends a captured packet to this host through the loopback, by raw sockets. Works without any
// set-up, but the packet comes in on the wrong interface: WireGuard may answer from another address
// of the host, and firewalls may drop a foreign source on the loopback.
#pragma once

#include <memory>

#include "sniffer/completion/packet_injector.h"

namespace jitwg::sniffer {

// Needs CAP_NET_RAW.
class RawInjector final : public PacketInjector {
 public:
  static Result<std::unique_ptr<PacketInjector>> Open();
  ~RawInjector() override;
  RawInjector(const RawInjector&) = delete;
  RawInjector& operator=(const RawInjector&) = delete;

  std::string_view name() const override { return "raw"; }
  Status Inject(const OriginalPacket& packet) override;

 private:
  RawInjector(int ipv4, int ipv6) : ipv4_(ipv4), ipv6_(ipv6) {}

  const int ipv4_;
  const int ipv6_;  // -1: this host has no IPv6
};

}  // namespace jitwg::sniffer
