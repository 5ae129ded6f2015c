// Gives the kernel a packet as if it came in where it was captured: it is sent out of a helper
// interface of our own, whose egress filter redirects it to the ingress of that interface
// (tc-mirred(8)). Firewalls, reverse-path filters and WireGuard see the right interface and
// addresses. What was seen on the loopback goes there by a raw socket: the kernel takes nothing
// with a source in 127/8 that comes in by itself (net/ipv4/route.c, ip_route_input_slow).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "sniffer/completion/link_map.h"
#include "sniffer/completion/packet_injector.h"
#include "sniffer/install/route_socket.h"

namespace jitwg::sniffer {

// Needs CAP_NET_ADMIN and CAP_NET_RAW. The helper's name is derived from the state directory, so
// that what a crash left behind is known again, and two sniffers of one host do not meet.
class MirredInjector final : public PacketInjector {
 public:
  // Makes the helper interface; an older one of the same state directory goes first. Errors: the
  // kernel lacks a part (kUnimplemented names it), or a permission; nothing is left behind.
  static Result<std::unique_ptr<PacketInjector>> Open(const std::string& state_dir);
  // Removes the helper interface, and its filters with it.
  ~MirredInjector() override;
  MirredInjector(const MirredInjector&) = delete;
  MirredInjector& operator=(const MirredInjector&) = delete;

  // Removes what a sniffer with this state directory left behind when it crashed.
  static void CleanUp(const std::string& state_dir);
  static std::string HelperName(const std::string& state_dir);

  std::string_view name() const override { return "mirred"; }
  Status Inject(const OriginalPacket& packet) override;

 private:
  explicit MirredInjector(RouteSocket route) : route_(std::move(route)) {}
  Status MakeHelper(const std::string& name);
  Status OpenPacketSocket();
  // Where the IP stack takes such a packet in; mutex_ held.
  Result<unsigned> TargetFor(const OriginalPacket& packet);
  Status Redirect(unsigned target);
  Status Send(const OriginalPacket& packet, unsigned target) const;

  std::mutex mutex_;
  RouteSocket route_;      // guarded by mutex_, like all below that changes
  unsigned helper_ = 0;    // ifindex; 0: not made
  int socket_ = -1;        // AF_PACKET
  unsigned loopback_ = 0;  // ifindex
  std::unique_ptr<PacketInjector> to_loopback_;
  std::vector<Link> links_;
  SteadyTime links_read_{};
  std::map<unsigned, std::uint16_t> redirects_;  // target -> preference
  std::uint16_t next_preference_ = 1;
};

}  // namespace jitwg::sniffer
