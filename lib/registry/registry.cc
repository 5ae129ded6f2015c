#include "lib/registry/registry.h"

#include <algorithm>
#include <string_view>

namespace jitwg::registry {
namespace {

// How many bytes of well-formed UTF-8 (RFC 3629) begin `text` as one character; 0 for none.
std::size_t CharacterLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, UTF-16 surrogates and what lies beyond U+10FFFF.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
  if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

// Text that is safe to show on a terminal: no control characters.
bool IsPlainText(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = CharacterLength(text);
    const auto lead = static_cast<unsigned char>(text.front());
    if (length == 0 || lead < ' ' || lead == 0x7f) return false;
    const bool c1_control = lead == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (c1_control) return false;
    text.remove_prefix(length);
  }
  return true;
}

Status ValidateAllowedIps(const std::vector<IpPrefix>& prefixes) {
  if (prefixes.empty() || prefixes.size() > kMaxAllowedIps) {
    return InvalidArgument("a peer has 1 to " + std::to_string(kMaxAllowedIps) +
                           " allowed IPs, not " + std::to_string(prefixes.size()));
  }
  for (auto a = prefixes.begin(); a != prefixes.end(); ++a) {
    const auto b =
        std::find_if(a + 1, prefixes.end(), [&](const IpPrefix& p) { return p.Overlaps(*a); });
    if (b != prefixes.end()) {
      return InvalidArgument("the allowed IPs " + a->ToString() + " and " + b->ToString() +
                             " overlap; leave one out");
    }
  }
  return {};
}

}  // namespace

Peer Peer::Clone() const {
  Peer copy;
  copy.public_key = public_key;
  copy.name = name;
  copy.network = network;
  copy.allowed_ips = allowed_ips;
  if (preshared_key) copy.preshared_key = preshared_key->Clone();
  copy.persistent_keepalive = persistent_keepalive;
  copy.pinned = pinned;
  copy.gateway = gateway;
  copy.enabled = enabled;
  copy.expires_at = expires_at;
  copy.created_at = created_at;
  copy.updated_at = updated_at;
  return copy;
}

Status ValidateLabel(std::string_view what, std::string_view text) {
  if (text.size() > kMaxNameLength) {
    return InvalidArgument("the " + std::string(what) + " has " + std::to_string(text.size()) +
                           " bytes; at most " + std::to_string(kMaxNameLength) + " are allowed");
  }
  if (!IsPlainText(text)) {
    return InvalidArgument("the " + std::string(what) + " is no UTF-8, or has control characters");
  }
  return {};
}

Status ValidateNetwork(std::string_view network) {
  const bool plain = std::all_of(network.begin(), network.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!plain || network.empty() || network.size() > kMaxNetworkLength) {
    return InvalidArgument("a network's name is 1 to 63 of a-z, 0-9 and '-'");
  }
  return {};
}

Status Validate(const Peer& peer) {
  if (peer.public_key.IsZero())
    return InvalidArgument("the public key is all zero: no peer can have it");
  if (peer.preshared_key && peer.preshared_key->IsZero()) {
    return InvalidArgument("the preshared key is all zero, which means none; leave it out");
  }
  if (auto name = ValidateLabel("name", peer.name); !name) return name;
  if (auto gateway = ValidateLabel("gateway", peer.gateway); !gateway) return gateway;
  if (auto network = ValidateNetwork(peer.network); !network) return network;
  return ValidateAllowedIps(peer.allowed_ips);
}

Error NoSuchPeer(const PublicKey& key) {
  return Error{ErrorCode::kNotFound, "peer " + key.ToBase64() + " is not in the registry"};
}

}  // namespace jitwg::registry
