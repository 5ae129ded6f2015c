// What an interface is now, read from the kernel and from WireGuard. Changes nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ctl/gateway/plan.h"
#include "ctl/gateway/route_message.h"
#include "sniffer/install/route_socket.h"
#include "sniffer/install/wireguard_device.h"

namespace jitwg::ctl {

struct InterfaceState {
  std::optional<LinkFacts> link;  // unset: there is no such interface
  std::string backend;            // "kernel" or "userspace"; empty without a link
  PublicKey public_key;           // all zero: it has no key
  std::uint16_t listen_port = 0;
  std::vector<InterfaceAddress> addresses;
  std::vector<RouteFacts> routes;  // of the whole host
};

// nullopt: no such interface.
Result<std::optional<LinkFacts>> ReadLink(sniffer::RouteSocket& route, const std::string& name);

// kAlreadyExists when the name belongs to an interface that is no WireGuard; kPermissionDenied
// without CAP_NET_ADMIN.
Result<InterfaceState> ReadState(sniffer::RouteSocket& route, const std::string& name);

// The device of an interface that is there: by its kind, not by what this machine could have.
std::unique_ptr<sniffer::WireGuardDevice> DeviceOf(const LinkFacts& link);

// What is not as the plan says, a line each; empty: all is.
std::vector<std::string> Differences(const InterfacePlan& plan, const PublicKey& planned_key,
                                     const InterfaceState& state);

bool HasAddress(const InterfaceState& state, const InterfaceAddress& address);
// The route of exactly this prefix, the interface's own before another's; nullptr: none.
const RouteFacts* FindRoute(const InterfaceState& state, const IpPrefix& prefix);

}  // namespace jitwg::ctl
