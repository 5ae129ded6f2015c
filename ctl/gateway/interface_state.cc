#include "ctl/gateway/interface_state.h"

#include <algorithm>
#include <cerrno>

#include "sniffer/install/netlink_device.h"
#include "sniffer/install/uapi_device.h"

namespace jitwg::ctl {
namespace {

constexpr const char* kKernelKind = "wireguard";
// What a userspace WireGuard's interface is for the kernel (tun(4)).
constexpr const char* kUserspaceKind = "tun";

Status ReadWireGuard(const LinkFacts& link, InterfaceState& state) {
  const auto device = DeviceOf(link);
  const auto info = device->GetDevice(link.name);
  if (!info) return info.error();
  state.backend = device->backend();
  state.public_key = info->private_key.IsZero() ? PublicKey{} : info->public_key;
  state.listen_port = info->listen_port;
  return {};
}

Status ReadAddresses(sniffer::RouteSocket& route, InterfaceState& state) {
  const int error = route.Ask(EncodeDumpAddresses, [&](std::span<const std::uint8_t> datagram) {
    return ParseAddresses(datagram, state.link->ifindex, state.addresses);
  });
  if (error == 0) return {};
  return ErrnoError("cannot read the addresses of " + state.link->name, error);
}

Status ReadRoutes(sniffer::RouteSocket& route, InterfaceState& state) {
  const int error = route.Ask(EncodeDumpRoutes, [&](std::span<const std::uint8_t> datagram) {
    return ParseRoutes(datagram, state.routes);
  });
  if (error == 0) return {};
  return ErrnoError("cannot read the routes", error);
}

std::string KeyText(const PublicKey& key) { return key.IsZero() ? "none" : key.ToBase64(); }

}  // namespace

Result<std::optional<LinkFacts>> ReadLink(sniffer::RouteSocket& route, const std::string& name) {
  std::optional<LinkFacts> link;
  const int error =
      route.Ask([&](std::uint32_t sequence,
                    std::span<std::uint8_t> out) { return EncodeGetLink(sequence, name, out); },
                [&](std::span<const std::uint8_t> datagram) { return ParseLink(datagram, link); });
  if (error == ENODEV) return std::optional<LinkFacts>();
  if (error != 0) return ErrnoError("cannot look for interface " + name, error);
  return link;
}

std::unique_ptr<sniffer::WireGuardDevice> DeviceOf(const LinkFacts& link) {
  if (link.kind == kKernelKind) return std::make_unique<sniffer::NetlinkDevice>();
  return std::make_unique<sniffer::UapiDevice>();
}

Result<InterfaceState> ReadState(sniffer::RouteSocket& route, const std::string& name) {
  InterfaceState state;
  const auto link = ReadLink(route, name);
  if (!link) return link.error();
  state.link = *link;
  if (const Status read = ReadRoutes(route, state); !read) return read.error();
  if (!state.link) return state;
  const bool userspace = state.link->kind == kUserspaceKind && sniffer::UapiDevice().IsAlive(name);
  if (state.link->kind != kKernelKind && !userspace) {
    const std::string kind = state.link->kind.empty() ? "hardware" : "type " + state.link->kind;
    return Error{ErrorCode::kAlreadyExists,
                 "the name '" + name + "' belongs to an interface of " + kind +
                     ", not to a WireGuard; choose another name, or remove that interface"};
  }
  if (const Status read = ReadWireGuard(*state.link, state); !read) return read.error();
  if (const Status read = ReadAddresses(route, state); !read) return read.error();
  return state;
}

bool HasAddress(const InterfaceState& state, const InterfaceAddress& address) {
  return std::find(state.addresses.begin(), state.addresses.end(), address) !=
         state.addresses.end();
}

const RouteFacts* FindRoute(const InterfaceState& state, const IpPrefix& prefix) {
  const RouteFacts* found = nullptr;
  for (const RouteFacts& route : state.routes) {
    if (route.prefix != prefix) continue;
    if (state.link && route.ifindex == state.link->ifindex) return &route;
    found = &route;
  }
  return found;
}

std::vector<std::string> Differences(const InterfacePlan& plan, const PublicKey& planned_key,
                                     const InterfaceState& state) {
  if (!state.link) return {"there is no interface " + plan.name};
  std::vector<std::string> lines;
  if (state.public_key != planned_key) {
    lines.push_back("its public key is " + KeyText(state.public_key) + ", not " +
                    KeyText(planned_key) + " as in " + plan.key_file);
  }
  if (state.listen_port != plan.listen_port) {
    lines.push_back("it listens on port " + std::to_string(state.listen_port) + ", not " +
                    std::to_string(plan.listen_port));
  }
  if (state.link->mtu != plan.mtu) {
    lines.push_back("its MTU is " + std::to_string(state.link->mtu) + ", not " +
                    std::to_string(plan.mtu));
  }
  if (!state.link->up) lines.push_back("it is down");
  for (const InterfaceAddress& address : plan.addresses) {
    if (!HasAddress(state, address)) lines.push_back("it lacks the address " + address.ToString());
  }
  for (const IpPrefix& prefix : plan.allow) {
    const RouteFacts* const route = FindRoute(state, prefix);
    if (route == nullptr || route->ifindex != state.link->ifindex) {
      lines.push_back(prefix.ToString() + " is not routed to it");
    }
  }
  return lines;
}

}  // namespace jitwg::ctl
