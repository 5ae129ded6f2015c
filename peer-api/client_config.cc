#include "peer-api/client_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lib/base/config_values.h"

namespace jitwg::api {
namespace {

using nlohmann::json;

// Long enough for any file: growing would leave copies of the keys behind.
constexpr std::size_t kRoom = 16 << 10;

template <class T>
std::string Join(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + value.ToString();
  return text;
}

template <class T>
json Texts(const std::vector<T>& values) {
  json texts = json::array();
  for (const T& value : values) texts.push_back(value.ToString());
  return texts;
}

void AppendSecret(std::string& out, std::string_view before, const Secret<kKeySize>& key,
                  std::string_view after) {
  std::string text = SecretToBase64(key);
  out.append(before).append(text).append(after);
  WipeString(text);
}

const ServerSide* SideOf(const registry::Peer& peer, const ServerSides& sides) {
  const auto bound = sides.find("gateway/" + peer.gateway);
  if (!peer.gateway.empty() && bound != sides.end()) return &bound->second;
  const auto found = sides.find(peer.network);
  return found == sides.end() ? nullptr : &found->second;
}

Error Precondition(std::string message) {
  return Error{ErrorCode::kFailedPrecondition, std::move(message)};
}

}  // namespace

Result<NamedText> ParseNamedText(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == text.size()) {
    return Error{ErrorCode::kInvalidArgument,
                 Quoted(text) + " is no NAME=VALUE; NAME is a network or gateway/GATEWAY"};
  }
  return NamedText{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

Status CheckEndpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto host = text.substr(0, colon);
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_[]:").find(c) != std::string_view::npos;
  });
  const bool bracketed = !host.empty() && host.front() == '[' && host.back() == ']';
  const bool bare_colon = host.find(':') != std::string_view::npos && !bracketed;
  if (colon != std::string_view::npos && plain && !host.empty() && host.size() <= 255 &&
      !bare_colon && ParseNumber(text.substr(colon + 1), 1, 65535)) {
    return {};
  }
  return Error{ErrorCode::kInvalidArgument,
               Quoted(text) + " is no host and port like vpn.example.org:51820"};
}

Result<ClientConfig> MakeClientConfig(const registry::Peer& peer, const ServerSides& sides) {
  const ServerSide* side = SideOf(peer, sides);
  if (side == nullptr || !side->public_key) {
    return Precondition("this service does not know where network " + peer.network +
                        " connects to; start it with --wireguard-endpoint " + peer.network +
                        "=HOST:PORT and --wireguard-public-key " + peer.network + "=KEY");
  }
  ClientConfig config;
  for (const IpPrefix& prefix : peer.allowed_ips) {
    if (prefix.length() == prefix.address().bit_length()) config.addresses.push_back(prefix);
  }
  if (config.addresses.empty()) {
    return Precondition("the peer has no address of its own (/32 or /128) among its allowed IPs");
  }
  config.dns = side->dns;
  config.server_key = *side->public_key;
  if (peer.preshared_key) config.preshared_key = peer.preshared_key->Clone();
  config.endpoint = side->endpoint;
  config.allowed_ips = side->allowed_ips;
  if (config.allowed_ips.empty()) {
    config.allowed_ips = {*IpPrefix::Parse("0.0.0.0/0"), *IpPrefix::Parse("::/0")};
  }
  config.persistent_keepalive = peer.persistent_keepalive;
  return config;
}

std::string ToWgQuick(const ClientConfig& config) {
  std::string text;
  text.reserve(kRoom);
  text += "[Interface]\n";
  if (config.private_key) {
    AppendSecret(text, "PrivateKey = ", *config.private_key, "\n");
  } else {
    text.append("PrivateKey = ").append(kPrivateKeyPlaceholder).append("\n");
  }
  text += "Address = " + Join(config.addresses) + "\n";
  if (!config.dns.empty()) text += "DNS = " + Join(config.dns) + "\n";
  text += "\n[Peer]\nPublicKey = " + config.server_key.ToBase64() + "\n";
  if (config.preshared_key) AppendSecret(text, "PresharedKey = ", *config.preshared_key, "\n");
  text += "AllowedIPs = " + Join(config.allowed_ips) + "\n";
  text += "Endpoint = " + config.endpoint + "\n";
  if (config.persistent_keepalive != 0) {
    text += "PersistentKeepalive = " + std::to_string(config.persistent_keepalive) + "\n";
  }
  return text;
}

std::string ToConfigJson(const ClientConfig& config) {
  // Keys go in by hand, so that no JSON value keeps a copy.
  std::string text;
  text.reserve(kRoom);
  text += R"({"interface":{"addresses":)" + Texts(config.addresses).dump();
  text += R"(,"dns":)" + Texts(config.dns).dump() + R"(,"private_key":)";
  if (config.private_key) {
    AppendSecret(text, "\"", *config.private_key, "\"");
  } else {
    text += "null";
  }
  text += R"(},"peer":{"allowed_ips":)" + Texts(config.allowed_ips).dump();
  text += R"(,"endpoint":)" + json(config.endpoint).dump();
  text += R"(,"persistent_keepalive":)" + std::to_string(config.persistent_keepalive);
  text += R"(,"preshared_key":)";
  if (config.preshared_key) {
    AppendSecret(text, "\"", *config.preshared_key, "\"");
  } else {
    text += "null";
  }
  return text + R"(,"public_key":)" + json(config.server_key.ToBase64()).dump() + "}}";
}

}  // namespace jitwg::api
