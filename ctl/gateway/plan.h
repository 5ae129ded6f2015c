// What `jitwgctl gateway` is to make of each interface, out of flags, environment and the file that
// the sniffer reads as well. Pure but for reading that file; touches no interface.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/config.h"
#include "lib/base/net.h"
#include "lib/base/result.h"

namespace jitwg::ctl {

// An address of this host with the length of the network it is in.
struct InterfaceAddress {
  IpAddress address;
  int length = 0;

  IpPrefix Network() const { return *IpPrefix::Make(address, length); }
  std::string ToString() const { return address.ToString() + "/" + std::to_string(length); }
  auto operator<=>(const InterfaceAddress&) const = default;
};

// "10.8.0.1/16"; a bare address has the length of one address. kInvalidArgument for anything else,
// and for the address of the network itself.
Result<InterfaceAddress> ParseInterfaceAddress(std::string_view text);

struct InterfacePlan {
  std::string name;
  std::string key_file;
  std::uint16_t listen_port = 0;
  std::uint32_t mtu = 0;
  std::vector<InterfaceAddress> addresses;
  std::vector<IpPrefix> allow;  // one route each
};

// A value of one interface, or (empty name) of all: "wg0=51820" or "51820".
template <class T>
struct PerInterface {
  std::string interface;
  T value{};
};

struct GatewayOptions {
  std::vector<std::string> interfaces;
  std::vector<InterfacePrefix> allow;
  std::vector<PerInterface<InterfaceAddress>> addresses;
  std::vector<PerInterface<std::uint16_t>> listen_ports;
  std::vector<PerInterface<std::uint32_t>> mtus;
  std::vector<PerInterface<std::string>> key_files;
  std::string backend = "auto";
  std::string userspace = "wireguard-go";
  bool json = false;
};

// The options of all three commands. `parser` must be made with File::kShared: the file is also the
// sniffer's.
void AddGatewayOptions(ConfigParser& parser, GatewayOptions& options);

// One plan for each interface, in the order of the options. What does not fit together becomes a
// fault of `parser`; the plans are of use only when there is none.
std::vector<InterfacePlan> MakePlans(ConfigParser& parser, const GatewayOptions& options);

}  // namespace jitwg::ctl
