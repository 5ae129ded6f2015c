#include "peer-api/peer_fields.h"

#include <charconv>
#include <utility>

#include "lib/base/config_values.h"
#include "peer-api/times.h"

namespace jitwg::api {
namespace {

using nlohmann::json;
using registry::Peer;

void ReadPresharedKey(ObjectReader& reader, Peer& peer) {
  if (reader.Null("preshared_key")) return;
  auto text = reader.Text("preshared_key");
  if (!text) return;
  auto key = ParseSecretKey(*text);
  WipeString(*text);
  if (key) {
    peer.preshared_key = std::move(*key);
  } else {
    reader.Fault("preshared_key", "is no preshared key: 44 characters of base64");
  }
}

std::optional<std::uint32_t> ParseDigits(std::string_view text, std::uint32_t most) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc() || stopped != end || value > most) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Endpoint> ParseEndpointText(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = ParseDigits(text.substr(colon + 1), 65535);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto percent = host.find('%');
  const auto scope = percent == std::string_view::npos
                         ? std::optional<std::uint32_t>(0)
                         : ParseDigits(host.substr(percent + 1), UINT32_MAX);
  const auto address = IpAddress::Parse(host.substr(0, percent));
  if (!port || !scope || !address || address->is_v4() == bracketed) return std::nullopt;
  if (address->is_v4() && percent != std::string_view::npos) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port), *scope};
}

void ReadKey(ObjectReader& reader, PublicKey& out) {
  reader.Require("public_key");
  const auto text = reader.Text("public_key");
  if (!text) return;
  const auto key = ParsePublicKey(*text);
  if (key) {
    out = *key;
  } else {
    reader.Fault("public_key", "is no public key: 44 characters of base64");
  }
}

std::optional<std::vector<IpPrefix>> ReadPrefixes(ObjectReader& reader, const std::string& name,
                                                  std::size_t most) {
  const auto texts = reader.Texts(name, most);
  if (!texts) return std::nullopt;
  std::vector<IpPrefix> prefixes;
  for (const std::string& text : *texts) {
    // Host bits that are set would be cleared silently: not what the caller meant.
    const auto prefix = ParseExactPrefix(text);
    if (!prefix) {
      reader.Fault(name, "has a bad prefix: " + prefix.error().message);
      return std::nullopt;
    }
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

std::optional<WallTime> ReadTime(ObjectReader& reader, const std::string& name) {
  const auto text = reader.Text(name);
  if (!text) return std::nullopt;
  const auto time = ParseTime(*text);
  if (time) return *time;
  reader.Fault(name, time.error().message);
  return std::nullopt;
}

void ReadSettings(ObjectReader& reader, Peer& peer) {
  ReadKey(reader, peer.public_key);
  if (auto name = reader.Text("name")) peer.name = std::move(*name);
  if (auto network = reader.Text("network")) peer.network = std::move(*network);
  if (auto ips = ReadPrefixes(reader, "allowed_ips", registry::kMaxAllowedIps)) {
    peer.allowed_ips = std::move(*ips);
  }
  ReadPresharedKey(reader, peer);
  if (const auto keepalive = reader.Integer("persistent_keepalive", 0, 65535)) {
    peer.persistent_keepalive = static_cast<std::uint16_t>(*keepalive);
  }
  if (const auto pinned = reader.Bool("pinned")) peer.pinned = *pinned;
  if (auto gateway = reader.Text("gateway")) peer.gateway = std::move(*gateway);
  if (const auto enabled = reader.Bool("enabled")) peer.enabled = *enabled;
}

json PrefixTexts(const std::vector<IpPrefix>& prefixes) {
  json texts = json::array();
  for (const IpPrefix& prefix : prefixes) texts.push_back(prefix.ToString());
  return texts;
}

}  // namespace jitwg::api
