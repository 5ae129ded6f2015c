#include "ctl/gateway/bring_up.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "ctl/gateway/interface_state.h"
#include "ctl/gateway/key_file.h"
#include "ctl/gateway/userspace.h"
#include "sniffer/install/limits.h"

namespace jitwg::ctl {
namespace {

using sniffer::RouteSocket;
using Lines = std::vector<std::string>;

Error Explain(const std::string& what, int errno_value) {
  Error error = ErrnoError(what, errno_value);
  if (errno_value == EPERM) error.message += "; run it as root or with CAP_NET_ADMIN";
  return error;
}

// 0, or the errno of taking this port of all addresses of one family.
int TryPort(int family, std::uint16_t port) {
  const int probe = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno == EAFNOSUPPORT ? 0 : errno;
  const int on = 1;
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  v6.sin6_family = AF_INET6;
  v4.sin_family = AF_INET;
  v6.sin6_port = v4.sin_port = htons(port);
  int error = 0;
  if (family == AF_INET6) {
    ::setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (::bind(probe, reinterpret_cast<sockaddr*>(&v6), sizeof(v6)) != 0) error = errno;
  } else if (::bind(probe, reinterpret_cast<sockaddr*>(&v4), sizeof(v4)) != 0) {
    error = errno;
  }
  ::close(probe);
  return error;
}

// WireGuard takes its port when the interface goes up, and userspace does not tell when it cannot.
Status CheckPortIsFree(const std::string& name, std::uint16_t port) {
  if (TryPort(AF_INET, port) != EADDRINUSE && TryPort(AF_INET6, port) != EADDRINUSE) return {};
  return Error{ErrorCode::kAlreadyExists,
               "UDP port " + std::to_string(port) + ", which " + name +
                   " is to listen on, is taken (ss -lunp shows by whom); end that, or choose "
                   "another --listen-port"};
}

// Everything that would be refused later, so that a refusal leaves nothing half-made.
Status CheckNothingIsInTheWay(const InterfacePlan& plan, const InterfaceState& state) {
  for (const IpPrefix& prefix : plan.allow) {
    const RouteFacts* const route = FindRoute(state, prefix);
    if (route == nullptr || (state.link && route->ifindex == state.link->ifindex)) continue;
    std::array<char, IF_NAMESIZE> other{};
    const bool known = ::if_indextoname(route->ifindex, other.data()) != nullptr;
    return Error{ErrorCode::kAlreadyExists, prefix.ToString() + " is routed to " +
                                                (known ? other.data() : "elsewhere") +
                                                " already; remove that route (ip route del " +
                                                prefix.ToString() + ") or correct --allow"};
  }
  // Where it listens on this port already, the port is taken by itself.
  if (state.link && state.link->up && state.listen_port == plan.listen_port) return {};
  return CheckPortIsFree(plan.name, plan.listen_port);
}

Error AnotherKey(const InterfacePlan& plan) {
  return {ErrorCode::kAlreadyExists,
          "interface " + plan.name + " has another private key than " + plan.key_file +
              ": somebody else made it. To take it over put its key there (wg show " + plan.name +
              " private-key), or remove it (ip link del " + plan.name + ")"};
}

Result<std::string> Create(RouteSocket& route, const InterfacePlan& plan,
                           const BackendChoice& choice) {
  if (choice.backend != "userspace") {
    const int error = route.Do([&](std::uint32_t sequence, std::span<std::uint8_t> out) {
      return EncodeNewWireGuard(sequence, plan.name, out);
    });
    if (error == 0) return "made interface " + plan.name + " with the kernel's WireGuard";
    if (error != EOPNOTSUPP) return Explain("cannot make interface " + plan.name, error);
    if (choice.backend == "kernel") {
      return Error{ErrorCode::kFailedPrecondition,
                   "this kernel has no WireGuard (modprobe wireguard); Linux 5.6 and newer have "
                   "it, or use --backend userspace"};
    }
  }
  const Status started = StartUserspace(choice.userspace_program, plan.name);
  if (!started) return started.error();
  return "made interface " + plan.name + " with " + choice.userspace_program +
         (choice.backend == "auto" ? ", for this kernel has no WireGuard" : "");
}

Status SetWireGuard(const InterfacePlan& plan, const PrivateKey& key, const InterfaceState& state,
                    Lines& lines) {
  if (state.public_key == DerivePublicKey(key) && state.listen_port == plan.listen_port) return {};
  Status set = DeviceOf(*state.link)->Configure(plan.name, {key.Clone(), plan.listen_port});
  if (!set) return set;
  lines.push_back("set key and port " + std::to_string(plan.listen_port));
  return {};
}

Status SetUp(RouteSocket& route, const InterfacePlan& plan, const InterfaceState& state,
             Lines& lines) {
  if (state.link->up && state.link->mtu == plan.mtu) return {};
  const int error = route.Do([&](std::uint32_t sequence, std::span<std::uint8_t> out) {
    return EncodeMtuAndUp(sequence, state.link->ifindex, plan.mtu, out);
  });
  if (error != 0) {
    return Explain("cannot set " + plan.name + " up with MTU " + std::to_string(plan.mtu), error);
  }
  lines.push_back("set it up with MTU " + std::to_string(plan.mtu));
  return {};
}

Status AddAddresses(RouteSocket& route, const InterfacePlan& plan, const InterfaceState& state,
                    Lines& lines) {
  for (const InterfaceAddress& address : plan.addresses) {
    if (HasAddress(state, address)) continue;
    const int error = route.Do([&](std::uint32_t sequence, std::span<std::uint8_t> out) {
      return EncodeNewAddress(sequence, state.link->ifindex, address, out);
    });
    if (error == EACCES || error == EPERM) {
      return Explain("cannot give " + plan.name + " the address " + address.ToString() +
                         (address.address.is_v4() ? ""
                                                  : " (is IPv6 switched off here? sysctl "
                                                    "net.ipv6.conf.default.disable_ipv6)"),
                     error);
    }
    if (error != 0 && error != EEXIST) {
      return Explain("cannot give " + plan.name + " the address " + address.ToString(), error);
    }
    if (error == 0) lines.push_back("added address " + address.ToString());
  }
  return {};
}

// The state is read again: an address brings the route to its network with it.
Status AddRoutes(RouteSocket& route, const InterfacePlan& plan, Lines& lines) {
  const auto state = ReadState(route, plan.name);
  if (!state) return state.error();
  if (!state->link) return Error{ErrorCode::kAborted, "interface " + plan.name + " went away"};
  for (const IpPrefix& prefix : plan.allow) {
    if (FindRoute(*state, prefix) != nullptr) continue;
    const int error = route.Do([&](std::uint32_t sequence, std::span<std::uint8_t> out) {
      return EncodeNewRoute(sequence, state->link->ifindex, prefix, out);
    });
    if (error != 0 && error != EEXIST) {
      return Explain("cannot route " + prefix.ToString() + " to " + plan.name, error);
    }
    if (error == 0) lines.push_back("added route " + prefix.ToString());
  }
  return {};
}

// Deleting an interface costs the kernel 16 ms for each peer that it still has.
void RemovePeers(const InterfaceState& state) {
  const auto device = DeviceOf(*state.link);
  const auto dump = device->DumpPeers(state.link->name);
  if (!dump) return;
  std::vector<sniffer::PeerChange> removals;
  const auto flush = [&] {
    static_cast<void>(device->Apply({state.link->name, state.link->ifindex}, removals));
    removals.clear();
  };
  for (const sniffer::KernelPeer& peer : dump->peers) {
    sniffer::PeerChange& removal = removals.emplace_back();
    removal.kind = sniffer::PeerChange::Kind::kRemove;
    removal.public_key = peer.public_key;
    if (removals.size() == sniffer::kMaxChangesPerApply) flush();
  }
  if (!removals.empty()) flush();
}

}  // namespace

Result<std::vector<std::string>> BringUp(RouteSocket& route, const InterfacePlan& plan,
                                         const BackendChoice& choice) {
  auto state = ReadState(route, plan.name);
  if (!state) return state.error();
  // Not made before it is known that it will be used.
  if (const Status free = CheckNothingIsInTheWay(plan, *state); !free) return free.error();
  if (state->link && !state->public_key.IsZero()) {
    const auto key = ReadKeyFile(plan.key_file);
    const bool absent = !key && key.error().code == ErrorCode::kNotFound;
    if (!key && !absent) return key.error();
    if (absent || DerivePublicKey(*key) != state->public_key) return AnotherKey(plan);
  }
  const auto kept = ReadOrMakeKeyFile(plan.key_file);
  if (!kept) return kept.error();
  Lines lines;
  if (kept->made) lines.push_back("made a private key in " + plan.key_file);
  if (!state->link) {
    const auto made = Create(route, plan, choice);
    if (!made) return made.error();
    lines.push_back(*made);
    state = ReadState(route, plan.name);
    if (!state) return state.error();
    if (!state->link) return Error{ErrorCode::kAborted, "interface " + plan.name + " went away"};
  }
  Status done = SetWireGuard(plan, kept->key, *state, lines);
  if (done) done = SetUp(route, plan, *state, lines);
  if (done) done = AddAddresses(route, plan, *state, lines);
  if (done) done = AddRoutes(route, plan, lines);
  if (!done) return done.error();
  return lines;
}

Result<bool> TakeDown(RouteSocket& route, const InterfacePlan& plan) {
  const auto state = ReadState(route, plan.name);
  if (!state) return state.error();
  if (!state->link) return false;
  if (!state->public_key.IsZero()) {
    const auto key = ReadKeyFile(plan.key_file);
    if (!key && key.error().code != ErrorCode::kNotFound) return key.error();
    if (!key || DerivePublicKey(*key) != state->public_key) return AnotherKey(plan);
  }
  RemovePeers(*state);
  const int error = route.Do([&](std::uint32_t sequence, std::span<std::uint8_t> out) {
    return EncodeRemoveLink(sequence, state->link->ifindex, out);
  });
  if (error != 0) return Explain("cannot remove interface " + plan.name, error);
  return true;
}

}  // namespace jitwg::ctl
