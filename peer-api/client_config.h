// What a client needs to connect: the peer's own addresses and the gateway's key and address, as
// values, JSON and a wg-quick file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/registry/registry.h"

namespace jitwg::api {

// The gateways' side of a network, which no registry knows.
struct ServerSide {
  std::string endpoint;  // host:port
  std::optional<PublicKey> public_key;
  std::vector<IpPrefix> allowed_ips;  // what the client sends into the tunnel; empty: everything
  std::vector<IpAddress> dns;
};

// By network's name, and by "gateway/NAME" for peers that are bound to that gateway.
using ServerSides = std::map<std::string, ServerSide>;

// "NAME=REST", taken apart; kInvalidArgument.
struct NamedText {
  std::string name;
  std::string text;
};
Result<NamedText> ParseNamedText(std::string_view text);
// "vpn.example.org:51820", "192.0.2.1:51820", "[2001:db8::1]:51820".
Status CheckEndpoint(std::string_view text);

struct ClientConfig {
  std::vector<IpPrefix> addresses;  // of one host each
  std::vector<IpAddress> dns;
  std::optional<PrivateKey> private_key;  // only if the caller sent it
  PublicKey server_key;
  std::optional<PresharedKey> preshared_key;
  std::string endpoint;
  std::vector<IpPrefix> allowed_ips;
  std::uint16_t persistent_keepalive = 0;
};

// kFailedPrecondition: this service was not told where the peer's gateways are, or the peer has no
// host address.
Result<ClientConfig> MakeClientConfig(const registry::Peer& peer, const ServerSides& sides);

// What stands for a private key that is the client's alone.
inline constexpr std::string_view kPrivateKeyPlaceholder = "PUT-THE-PRIVATE-KEY-HERE";

// Both carry secrets: the caller wipes them.
std::string ToWgQuick(const ClientConfig& config);
std::string ToConfigJson(const ClientConfig& config);

}  // namespace jitwg::api
