// Requests of wg_message.h.
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

#include "sniffer/install/netlink_writer.h"
#include "sniffer/install/wg_message.h"

namespace jitwg::sniffer {
namespace {

// Attribute sizes with header and padding.
constexpr std::size_t kPeerFixedSize = 4 + 36 + 36 + 8 + 32 + 8 + 4;
constexpr std::size_t kKickSize = 4 + 36 + 8 + 8;
constexpr std::size_t kAllowedIpSize = 4 + 8 + 20 + 8;
// Leaves room for the headers below the 65,535 bytes of the attribute.
constexpr std::size_t kPeersBudget = 64000;

std::size_t EncodedSize(const PeerChange& change) {
  const std::size_t kick = change.kick ? kKickSize : 0;
  return kPeerFixedSize + kick + change.allowed_ips.size() * kAllowedIpSize;
}

genlmsghdr Command(std::uint8_t command, std::uint8_t version) {
  genlmsghdr header{};
  header.cmd = command;
  header.version = version;
  return header;
}

void PutEndpoint(NetlinkWriter& writer, const Endpoint& endpoint) {
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, bytes.data(), sizeof(address.sin_addr));
    writer.PutValue(WGPEER_A_ENDPOINT, address);
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    address.sin6_scope_id = endpoint.scope_id;
    std::memcpy(&address.sin6_addr, bytes.data(), sizeof(address.sin6_addr));
    writer.PutValue(WGPEER_A_ENDPOINT, address);
  }
}

void PutAllowedIps(NetlinkWriter& writer, std::span<const IpPrefix> prefixes) {
  nlattr* list = writer.Begin(WGPEER_A_ALLOWEDIPS);
  for (const IpPrefix& prefix : prefixes) {
    nlattr* entry = writer.Begin(0);
    const bool v4 = prefix.address().is_v4();
    writer.PutValue<std::uint16_t>(WGALLOWEDIP_A_FAMILY, v4 ? AF_INET : AF_INET6);
    writer.Put(WGALLOWEDIP_A_IPADDR, prefix.address().bytes());
    writer.PutValue<std::uint8_t>(WGALLOWEDIP_A_CIDR_MASK,
                                  static_cast<std::uint8_t>(prefix.length()));
    writer.End(entry);
  }
  writer.End(list);
}

void PutPeer(NetlinkWriter& writer, const PeerChange& change) {
  nlattr* peer = writer.Begin(0);
  writer.Put(WGPEER_A_PUBLIC_KEY, change.public_key.bytes);
  if (change.kind == PeerChange::Kind::kRemove) {
    writer.PutValue<std::uint32_t>(WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME | WGPEER_F_UPDATE_ONLY);
    writer.End(peer);
    return;
  }
  const std::uint32_t update =
      change.kind == PeerChange::Kind::kUpdate ? std::uint32_t{WGPEER_F_UPDATE_ONLY} : 0;
  writer.PutValue<std::uint32_t>(WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS | update);
  // An all-zero preshared key is how the kernel spells "none".
  static constexpr std::array<std::uint8_t, kKeySize> kNoKey{};
  writer.Put(WGPEER_A_PRESHARED_KEY,
             change.preshared_key ? std::span<const std::uint8_t>(change.preshared_key->bytes())
                                  : std::span<const std::uint8_t>(kNoKey));
  if (change.endpoint) PutEndpoint(writer, *change.endpoint);
  writer.PutValue<std::uint16_t>(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
                                 change.kick ? std::uint16_t{1} : change.persistent_keepalive);
  PutAllowedIps(writer, change.allowed_ips);
  writer.End(peer);
}

// The kernel sends a keepalive at once when the interval goes from 0 to something; the second entry
// for the same key puts the interval to what was asked for.
void PutKickEnd(NetlinkWriter& writer, const PeerChange& change) {
  nlattr* peer = writer.Begin(0);
  writer.Put(WGPEER_A_PUBLIC_KEY, change.public_key.bytes);
  writer.PutValue<std::uint32_t>(WGPEER_A_FLAGS, WGPEER_F_UPDATE_ONLY);
  writer.PutValue<std::uint16_t>(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
                                 change.persistent_keepalive);
  writer.End(peer);
}

}  // namespace

std::size_t FittingChanges(std::span<const PeerChange> changes) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    used += EncodedSize(changes[i]);
    if (used > kPeersBudget) return i == 0 ? 1 : i;
  }
  return changes.size();
}

Result<std::size_t> EncodeGetDevice(const WgRequest& request, std::span<std::uint8_t> out) {
  NetlinkWriter writer(out, request.family, NLM_F_REQUEST | NLM_F_DUMP, request.sequence,
                       Command(WG_CMD_GET_DEVICE, WG_GENL_VERSION));
  writer.PutString(WGDEVICE_A_IFNAME, request.interface);
  return writer.Length();
}

Result<std::size_t> EncodeSetDevice(const WgRequest& request, std::span<const PeerChange> changes,
                                    std::span<std::uint8_t> out) {
  NetlinkWriter writer(out, request.family, NLM_F_REQUEST | NLM_F_ACK, request.sequence,
                       Command(WG_CMD_SET_DEVICE, WG_GENL_VERSION));
  // The kernel wants exactly one of the two (drivers/net/wireguard/netlink.c, lookup_interface).
  if (request.ifindex != 0) {
    writer.PutValue<std::uint32_t>(WGDEVICE_A_IFINDEX, request.ifindex);
  } else {
    writer.PutString(WGDEVICE_A_IFNAME, request.interface);
  }
  nlattr* peers = writer.Begin(WGDEVICE_A_PEERS);
  for (const PeerChange& change : changes) {
    PutPeer(writer, change);
    if (change.kick && change.kind != PeerChange::Kind::kRemove) PutKickEnd(writer, change);
  }
  writer.End(peers);
  return writer.Length();
}

Result<std::size_t> EncodeConfigureDevice(const WgRequest& request, const DeviceSettings& settings,
                                          std::span<std::uint8_t> out) {
  NetlinkWriter writer(out, request.family, NLM_F_REQUEST | NLM_F_ACK, request.sequence,
                       Command(WG_CMD_SET_DEVICE, WG_GENL_VERSION));
  writer.PutString(WGDEVICE_A_IFNAME, request.interface);
  writer.Put(WGDEVICE_A_PRIVATE_KEY, settings.private_key.bytes());
  writer.PutValue(WGDEVICE_A_LISTEN_PORT, settings.listen_port);
  return writer.Length();
}

Result<std::size_t> EncodeGetFamily(std::uint32_t sequence, std::span<std::uint8_t> out) {
  NetlinkWriter writer(out, GENL_ID_CTRL, NLM_F_REQUEST, sequence, Command(CTRL_CMD_GETFAMILY, 1));
  writer.PutString(CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
  return writer.Length();
}

}  // namespace jitwg::sniffer
