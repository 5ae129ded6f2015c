// Requests of uapi_message.h.
#include <algorithm>

#include "sniffer/install/uapi_message.h"

namespace jitwg::sniffer {
namespace {

// Upper bounds of the text: keys and settings of one peer with its kick, one allowed IP.
constexpr std::size_t kPeerText = 512;
constexpr std::size_t kAllowedIpText = 64;

void PutHex(SecretText& out, std::span<const std::uint8_t> bytes) {
  std::string hex = ToHex(bytes);
  out << hex;
  WipeString(hex);
}

void PutKeepalive(SecretText& out, unsigned seconds) {
  out << "persistent_keepalive_interval=" << std::to_string(seconds) << "\n";
}

void PutPeer(SecretText& out, const PeerChange& change) {
  out << "public_key=";
  PutHex(out, change.public_key.bytes);
  out << "\n";
  if (change.kind == PeerChange::Kind::kRemove) {
    out << "remove=true\n";
    return;
  }
  if (change.kind == PeerChange::Kind::kUpdate) out << "update_only=true\n";
  const PresharedKey none;
  out << "preshared_key=";
  PutHex(out, change.preshared_key ? change.preshared_key->bytes() : none.bytes());
  out << "\n";
  if (change.endpoint) out << "endpoint=" << change.endpoint->ToString() << "\n";
  out << "replace_allowed_ips=true\n";
  for (const IpPrefix& prefix : change.allowed_ips) {
    out << "allowed_ip=" << prefix.ToString() << "\n";
  }
  PutKeepalive(out, change.kick ? 1 : change.persistent_keepalive);
  if (!change.kick) return;
  // The keepalive goes out when the next peer section begins, so the interval may be put right at
  // once.
  out << "public_key=";
  PutHex(out, change.public_key.bytes);
  out << "\nupdate_only=true\n";
  PutKeepalive(out, change.persistent_keepalive);
}

Status CheckFits(const SecretText& out) {
  if (!out.overflowed()) return {};
  return Error{ErrorCode::kInternal, "a userspace WireGuard request does not fit its buffer"};
}

}  // namespace

SecretText& SecretText::operator<<(std::string_view text) {
  const std::size_t count = std::min(text.size(), buffer_.size() - size_);
  std::copy_n(text.begin(), count, buffer_.data() + size_);
  size_ += count;
  overflowed_ = overflowed_ || count < text.size();
  return *this;
}

std::size_t SetCapacity(std::span<const PeerChange> changes) {
  std::size_t capacity = 64;
  for (const PeerChange& change : changes) {
    capacity += kPeerText + change.allowed_ips.size() * kAllowedIpText;
  }
  return capacity;
}

Status FormatSet(std::span<const PeerChange> changes, SecretText& out) {
  out << "set=1\n";
  for (const PeerChange& change : changes) PutPeer(out, change);
  out << "\n";
  return CheckFits(out);
}

Status FormatConfigure(const DeviceSettings& settings, SecretText& out) {
  out << "set=1\nprivate_key=";
  PutHex(out, settings.private_key.bytes());
  out << "\nlisten_port=" << std::to_string(settings.listen_port) << "\n\n";
  return CheckFits(out);
}

}  // namespace jitwg::sniffer
