#include "ctl/gateway/plan.h"

#include <algorithm>
#include <map>

namespace jitwg::ctl {
namespace {

constexpr std::uint16_t kDefaultPort = 51820;
// The Internet's 1500 less what WireGuard adds over IPv6.
constexpr std::uint32_t kDefaultMtu = 1420;
// RFC 791 and, for IPv6, RFC 8200 section 5.
constexpr std::uint32_t kLeastMtu = 576;
constexpr std::uint32_t kLeastIpv6Mtu = 1280;
constexpr std::uint32_t kMostMtu = 65535;
constexpr const char* kGroup = "WireGuard";

// "wg0=TEXT" apart. A text whose part before '=' can be no interface (a path) belongs to all.
std::pair<std::string, std::string_view> SplitScope(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || !CheckInterfaceName(text.substr(0, equals))) {
    return {"", text};
  }
  return {std::string(text.substr(0, equals)), text.substr(equals + 1)};
}

Result<PerInterface<InterfaceAddress>> ParseScopedAddress(std::string_view text) {
  auto [interface, value] = SplitScope(text);
  const auto address = ParseInterfaceAddress(value);
  if (!address) return address.error();
  return PerInterface<InterfaceAddress>{std::move(interface), *address};
}

template <class T>
Result<PerInterface<T>> ParseScopedNumber(std::string_view text, std::int64_t min,
                                          std::int64_t max) {
  auto [interface, value] = SplitScope(text);
  const auto number = ParseNumber(value, min, max);
  if (!number) return number.error();
  return PerInterface<T>{std::move(interface), static_cast<T>(*number)};
}

Result<PerInterface<std::uint16_t>> ParseScopedPort(std::string_view text) {
  return ParseScopedNumber<std::uint16_t>(text, 1, 65535);
}

Result<PerInterface<std::uint32_t>> ParseScopedMtu(std::string_view text) {
  return ParseScopedNumber<std::uint32_t>(text, kLeastMtu, kMostMtu);
}

Result<PerInterface<std::string>> ParseScopedFile(std::string_view text) {
  auto [interface, value] = SplitScope(text);
  if (value.substr(0, 1) != "/") {
    return InvalidArgument(Quoted(value) + " is no absolute path, like /etc/jitwg/wg0.key");
  }
  return PerInterface<std::string>{std::move(interface), std::string(value)};
}

// The value for `name`: its own before the one for all. Two of the same scope are a fault.
template <class T>
T ValueFor(ConfigParser& parser, const std::string& option, const std::string& name,
           const std::vector<PerInterface<T>>& values, T fallback) {
  for (const std::string& scope : {name, std::string()}) {
    const auto count = std::count_if(values.begin(), values.end(), [&](const PerInterface<T>& v) {
      return v.interface == scope;
    });
    if (count == 0) continue;
    if (count > 1) {
      parser.AddFault(option, "is given twice for " + (scope.empty() ? "all interfaces" : scope));
    }
    return std::find_if(values.begin(), values.end(),
                        [&](const PerInterface<T>& v) { return v.interface == scope; })
        ->value;
  }
  return fallback;
}

template <class T>
void CheckScopes(ConfigParser& parser, const std::string& option,
                 const std::vector<std::string>& interfaces,
                 const std::vector<PerInterface<T>>& values) {
  for (const PerInterface<T>& value : values) {
    if (value.interface.empty()) continue;
    if (std::find(interfaces.begin(), interfaces.end(), value.interface) != interfaces.end()) {
      continue;
    }
    parser.AddFault(option, "names " + Quoted(value.interface) +
                                ", which is no --interface; add --interface " + value.interface);
  }
}

void CheckAllow(ConfigParser& parser, const GatewayOptions& options) {
  for (const InterfacePrefix& allow : options.allow) {
    const auto& names = options.interfaces;
    if (std::find(names.begin(), names.end(), allow.interface) != names.end()) continue;
    parser.AddFault("allow", "'" + allow.interface + "=" + allow.prefix.ToString() +
                                 "' names no --interface; add --interface " + allow.interface);
  }
  for (auto one = options.allow.begin(); one != options.allow.end(); ++one) {
    for (auto other = options.allow.begin(); other != one; ++other) {
      if (one->prefix != other->prefix) continue;
      parser.AddFault("allow", one->prefix.ToString() + " is given twice; a prefix has one route");
    }
  }
}

void TakeAddresses(ConfigParser& parser, const GatewayOptions& options, InterfacePlan& plan) {
  for (const auto& [interface, address] : options.addresses) {
    if (interface.empty() && options.interfaces.size() > 1) {
      parser.AddFault("address", address.ToString() +
                                     " names no interface, and there are several; "
                                     "write INTERFACE=" +
                                     address.ToString());
    }
    if (interface.empty() || interface == plan.name) plan.addresses.push_back(address);
    if (!address.address.is_v4() && plan.mtu < kLeastIpv6Mtu) {
      parser.AddFault("mtu", "IPv6 needs 1280 at least; leave out the IPv6 address or raise it");
    }
  }
}

// What two interfaces cannot share.
void CheckShared(ConfigParser& parser, const std::vector<InterfacePlan>& plans) {
  for (auto one = plans.begin(); one != plans.end(); ++one) {
    for (auto other = plans.begin(); other != one; ++other) {
      const std::string both = other->name + " and " + one->name;
      if (one->name == other->name)
        parser.AddFault("interface", "'" + one->name + "' is named twice");
      if (one->listen_port == other->listen_port) {
        parser.AddFault("listen-port", both + " would both listen on " +
                                           std::to_string(one->listen_port) +
                                           "; give each its own, like " + one->name + "=51821");
      }
      if (one->key_file == other->key_file) {
        parser.AddFault("private-key-file", both + " would share " + one->key_file +
                                                "; give each its own, like " + one->name +
                                                "=/etc/jitwg/" + one->name + ".key");
      }
    }
  }
}

}  // namespace

Result<InterfaceAddress> ParseInterfaceAddress(std::string_view text) {
  const auto prefix = IpPrefix::Parse(text);
  const auto address = IpAddress::Parse(text.substr(0, text.find('/')));
  if (!prefix || !address) {
    return InvalidArgument(Quoted(text) +
                           " is no address with a prefix length, like 10.8.0.1/16 or fd08::1/64");
  }
  // RFC 3021 and RFC 6164: networks of two addresses have none of their own.
  if (prefix->length() < address->bit_length() - 1 && prefix->address() == *address) {
    return InvalidArgument(Quoted(text) + " is the address of a network; give one inside it");
  }
  return InterfaceAddress{*address, prefix->length()};
}

void AddGatewayOptions(ConfigParser& parser, GatewayOptions& options) {
  parser.Add("interface", &options.interfaces, "WireGuard interface to make; may be repeated")
      .Required()
      .Check(CheckInterfaceName)
      .Group(kGroup);
  parser
      .AddParsed("allow", &options.allow, ParseInterfacePrefix,
                 "INTERFACE=PREFIX that its peers' addresses lie in, and that is routed to it; may "
                 "be repeated")
      .ValueName("IFACE=PREFIX")
      .Group(kGroup);
  parser
      .AddParsed("address", &options.addresses, ParseScopedAddress,
                 "this host's address on it, with the length of the network; may be repeated")
      .ValueName("[IFACE=]ADDRESS/LENGTH")
      .Group(kGroup);
  parser
      .AddParsed("listen-port", &options.listen_ports, ParseScopedPort,
                 "its UDP port [default: 51820]")
      .ValueName("[IFACE=]PORT")
      .Group(kGroup);
  parser
      .AddParsed("private-key-file", &options.key_files, ParseScopedFile,
                 "its private key, mode 0600; made when it is absent [default: "
                 "/etc/jitwg/INTERFACE.key]")
      .ValueName("[IFACE=]FILE")
      .Group(kGroup);
  parser.AddParsed("mtu", &options.mtus, ParseScopedMtu, "its MTU [default: 1420]")
      .ValueName("[IFACE=]BYTES")
      .Group(kGroup);
  parser
      .Add("backend", &options.backend,
           "auto takes the kernel's WireGuard where there is one, else userspace")
      .OneOf({"auto", "kernel", "userspace"})
      .Group(kGroup);
  parser
      .Add("userspace-program", &options.userspace,
           "the userspace WireGuard; it is called with the interface's name")
      .ValueName("PROGRAM")
      .Group(kGroup);
  parser.Add("json", &options.json, "print JSON instead of text").Group("Output");
}

std::vector<InterfacePlan> MakePlans(ConfigParser& parser, const GatewayOptions& options) {
  CheckAllow(parser, options);
  CheckScopes(parser, "address", options.interfaces, options.addresses);
  CheckScopes(parser, "listen-port", options.interfaces, options.listen_ports);
  CheckScopes(parser, "private-key-file", options.interfaces, options.key_files);
  CheckScopes(parser, "mtu", options.interfaces, options.mtus);
  std::vector<InterfacePlan> plans;
  for (const std::string& name : options.interfaces) {
    InterfacePlan plan;
    plan.name = name;
    plan.key_file = ValueFor(parser, "private-key-file", name, options.key_files,
                             "/etc/jitwg/" + name + ".key");
    plan.listen_port = ValueFor(parser, "listen-port", name, options.listen_ports, kDefaultPort);
    plan.mtu = ValueFor(parser, "mtu", name, options.mtus, kDefaultMtu);
    TakeAddresses(parser, options, plan);
    for (const InterfacePrefix& allow : options.allow) {
      if (allow.interface == name) plan.allow.push_back(allow.prefix);
    }
    plans.push_back(std::move(plan));
  }
  CheckShared(parser, plans);
  return plans;
}

}  // namespace jitwg::ctl
