#include "ctl/peer_fields.h"

#include <algorithm>
#include <array>

#include "ctl/format.h"
#include "lib/base/config_values.h"

namespace jitwg::ctl {
namespace {

using Setter = Status (*)(registry::Peer&, std::string_view);

Status SetKey(registry::Peer& peer, std::string_view text) {
  const auto key = ParsePublicKey(text);
  if (!key) return key.error();
  peer.public_key = *key;
  return {};
}

Status SetPresharedKey(registry::Peer& peer, std::string_view text) {
  auto key = ParseSecretKey(text);
  if (!key) return key.error();
  // What wg(8) calls no key at all.
  if (!key->IsZero()) peer.preshared_key = std::move(*key);
  return {};
}

Status SetKeepalive(registry::Peer& peer, std::string_view text) {
  const auto seconds = ParseNumber(text == "off" ? "0" : text, 0, 65535);
  if (!seconds) return seconds.error();
  peer.persistent_keepalive = static_cast<std::uint16_t>(*seconds);
  return {};
}

Status SetExpiry(registry::Peer& peer, std::string_view text) {
  const auto time = ParseTime(text);
  if (!time) return time.error();
  peer.expires_at = *time;
  return {};
}

Status SetPrefixes(registry::Peer& peer, std::string_view text) {
  auto prefixes = ParsePrefixList(text);
  if (!prefixes) return prefixes.error();
  peer.allowed_ips = std::move(*prefixes);
  return {};
}

template <bool registry::Peer::*Member>
Status SetSwitch(registry::Peer& peer, std::string_view text) {
  const auto on = ParseBool(text);
  if (!on) return on.error();
  peer.*Member = *on;
  return {};
}

template <std::string registry::Peer::*Member>
Status SetText(registry::Peer& peer, std::string_view text) {
  peer.*Member = std::string(text);
  return {};
}

struct Field {
  std::string_view name;
  Setter set;
};

constexpr std::array<Field, 10> kFields = {{
    {"public_key", SetKey},
    {"allowed_ips", SetPrefixes},
    {"name", SetText<&registry::Peer::name>},
    {"network", SetText<&registry::Peer::network>},
    {"preshared_key", SetPresharedKey},
    {"persistent_keepalive_seconds", SetKeepalive},
    {"pinned", SetSwitch<&registry::Peer::pinned>},
    {"gateway", SetText<&registry::Peer::gateway>},
    {"enabled", SetSwitch<&registry::Peer::enabled>},
    {"expires_at", SetExpiry},
}};

constexpr std::array<std::string_view, 3> kInformation = {"created_at", "updated_at",
                                                          "has_preshared_key"};

const Field* FindField(std::string_view name) {
  const auto* found = std::find_if(kFields.begin(), kFields.end(),
                                   [&](const Field& field) { return field.name == name; });
  return found == kFields.end() ? nullptr : found;
}

}  // namespace

bool IsPeerField(std::string_view field) { return FindField(field) != nullptr; }

bool IsInformation(std::string_view field) {
  return std::find(kInformation.begin(), kInformation.end(), field) != kInformation.end();
}

Status SetPeerField(registry::Peer& peer, std::string_view field, std::string_view text) {
  const Field* known = FindField(field);
  if (known == nullptr) {
    std::vector<std::string> names;
    for (const Field& one : kFields) names.emplace_back(one.name);
    const std::string nearest = NearestName(field, names);
    return Error{ErrorCode::kInvalidArgument,
                 "a peer has no " + Quoted(field) +
                     (nearest.empty() ? "" : "; did you mean '" + nearest + "'?")};
  }
  if (text.empty()) return {};
  Status set = known->set(peer, text);
  if (set) return set;
  return Error{set.error().code, std::string(field) + ": " + set.error().message};
}

Result<std::vector<IpPrefix>> ParsePrefixList(std::string_view text) {
  constexpr std::string_view kSeparators = " \t,;";
  std::vector<IpPrefix> prefixes;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kSeparators), text.size()));
    if (text.empty()) return prefixes;
    const std::string_view one = text.substr(0, text.find_first_of(kSeparators));
    const auto prefix = ParseExactPrefix(one);
    if (!prefix) return prefix.error();
    // Validate says how many a peer may have; this bounds what one line can cost.
    if (prefixes.size() > registry::kMaxAllowedIps) {
      return Error{ErrorCode::kInvalidArgument, "too many addresses for one peer"};
    }
    prefixes.push_back(*prefix);
    text.remove_prefix(one.size());
  }
}

}  // namespace jitwg::ctl
