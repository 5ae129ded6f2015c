// Replies of wg_message.h. Every length is checked: the bytes are the kernel's, but a parser of
// netlink is also fuzzed.
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "sniffer/install/limits.h"
#include "sniffer/install/wg_message.h"

namespace jitwg::sniffer {
namespace {

using Bytes = std::span<const std::uint8_t>;

Error DamagedReply() {
  return {ErrorCode::kDataLoss,
          "a damaged netlink reply: is the kernel's WireGuard of another kind?"};
}

// Reads a value of just this size.
template <class T>
bool Read(Bytes bytes, T& value) {
  if (bytes.size() != sizeof(T)) return false;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return true;
}

// Calls `visit(type, value)` for each attribute; false when the bytes end inside one or a visit
// returns false.
bool ForEachAttribute(Bytes bytes, const std::function<bool(std::uint16_t, Bytes)>& visit) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr attribute{};
    std::memcpy(&attribute, bytes.data(), sizeof(attribute));
    if (attribute.nla_len < sizeof(nlattr) || attribute.nla_len > bytes.size()) return false;
    const Bytes value = bytes.first(attribute.nla_len).subspan(sizeof(nlattr));
    if (!visit(attribute.nla_type & NLA_TYPE_MASK, value)) return false;
    bytes = bytes.subspan(std::min<std::size_t>(MNL_ALIGN(attribute.nla_len), bytes.size()));
  }
  return bytes.empty();
}

// Calls `visit` for each whole message of the datagram until it returns false; false for damaged
// bytes.
bool ForEachMessage(Bytes bytes, const std::function<bool(const nlmsghdr&, Bytes)>& visit) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > bytes.size()) return false;
    if (!visit(header, bytes.first(header.nlmsg_len).subspan(sizeof(nlmsghdr)))) return true;
    bytes = bytes.subspan(std::min<std::size_t>(MNL_ALIGN(header.nlmsg_len), bytes.size()));
  }
  return bytes.empty();
}

// The positive errno of an NLMSG_ERROR or NLMSG_DONE, 0 for success; EBADMSG when there is none.
int ErrnoOf(Bytes payload) {
  std::int32_t code = 0;
  if (payload.size() < sizeof(code)) return EBADMSG;
  std::memcpy(&code, payload.data(), sizeof(code));
  if (code == 0) return 0;
  return code < 0 && code > -4096 ? -code : EBADMSG;
}

bool ParseEndpoint(Bytes bytes, std::optional<Endpoint>& endpoint) {
  sockaddr_in v4{};
  if (Read(bytes, v4) && v4.sin_family == AF_INET) {
    std::array<std::uint8_t, 4> address{};
    std::memcpy(address.data(), &v4.sin_addr, address.size());
    endpoint = Endpoint{IpAddress::V4(address), ntohs(v4.sin_port), 0};
    return true;
  }
  sockaddr_in6 v6{};
  if (Read(bytes, v6) && v6.sin6_family == AF_INET6) {
    std::array<std::uint8_t, 16> address{};
    std::memcpy(address.data(), &v6.sin6_addr, address.size());
    endpoint = Endpoint{IpAddress::V6(address), ntohs(v6.sin6_port), v6.sin6_scope_id};
    return true;
  }
  return false;
}

bool ParseHandshakeTime(Bytes bytes, std::optional<WallTime>& time) {
  struct {
    std::int64_t seconds;
    std::int64_t nanoseconds;
  } stamp{};
  if (!Read(bytes, stamp)) return false;
  if (stamp.seconds == 0 && stamp.nanoseconds == 0) return true;
  // What system_clock can hold in nanoseconds; the year 2255 is enough.
  static constexpr std::int64_t kLatest = 9'000'000'000;
  const auto whole = std::chrono::seconds(std::clamp<std::int64_t>(stamp.seconds, 0, kLatest));
  const auto rest =
      std::chrono::nanoseconds(std::clamp<std::int64_t>(stamp.nanoseconds, 0, 999'999'999));
  time = WallTime(std::chrono::duration_cast<WallTime::duration>(whole + rest));
  return true;
}

bool ParseAllowedIp(Bytes nest, std::vector<IpPrefix>& allowed_ips) {
  Bytes address;
  std::uint8_t length = 0;
  const bool whole = ForEachAttribute(nest, [&](std::uint16_t type, Bytes value) {
    if (type == WGALLOWEDIP_A_IPADDR) address = value;
    return type != WGALLOWEDIP_A_CIDR_MASK || Read(value, length);
  });
  if (!whole) return false;
  const auto parsed = IpAddress::FromBytes(address);
  if (!parsed) return false;
  const auto prefix = IpPrefix::Make(*parsed, length);
  if (prefix) allowed_ips.push_back(*prefix);
  return prefix.has_value();
}

bool ParsePeerAttribute(std::uint16_t type, Bytes value, KernelPeer& peer) {
  switch (type) {
    case WGPEER_A_PUBLIC_KEY:
      return Read(value, peer.public_key.bytes);
    case WGPEER_A_PRESHARED_KEY:
      peer.has_preshared_key =
          std::any_of(value.begin(), value.end(), [](std::uint8_t byte) { return byte != 0; });
      return value.size() == kKeySize;
    case WGPEER_A_ENDPOINT:
      return ParseEndpoint(value, peer.endpoint);
    case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
      return Read(value, peer.persistent_keepalive);
    case WGPEER_A_LAST_HANDSHAKE_TIME:
      return ParseHandshakeTime(value, peer.last_handshake);
    case WGPEER_A_RX_BYTES:
      return Read(value, peer.rx_bytes);
    case WGPEER_A_TX_BYTES:
      return Read(value, peer.tx_bytes);
    case WGPEER_A_ALLOWEDIPS:
      return ForEachAttribute(value, [&peer](std::uint16_t, Bytes entry) {
        return ParseAllowedIp(entry, peer.allowed_ips);
      });
    default:
      return true;
  }
}

// nullopt for a damaged entry or one without a key.
std::optional<KernelPeer> ParsePeer(Bytes nest) {
  KernelPeer peer;
  bool has_key = false;
  const bool whole = ForEachAttribute(nest, [&](std::uint16_t type, Bytes value) {
    has_key = has_key || type == WGPEER_A_PUBLIC_KEY;
    return ParsePeerAttribute(type, value, peer);
  });
  if (!whole || !has_key) return std::nullopt;
  return peer;
}

bool ParseDeviceAttribute(std::uint16_t type, Bytes value, DeviceInfo& device) {
  switch (type) {
    case WGDEVICE_A_IFINDEX: {
      std::uint32_t index = 0;
      if (!Read(value, index)) return false;
      device.ifindex = index;
      return true;
    }
    case WGDEVICE_A_IFNAME: {
      const auto end = std::find(value.begin(), value.end(), 0);
      device.name.assign(value.begin(), end);
      return device.name.size() < IFNAMSIZ;
    }
    case WGDEVICE_A_PRIVATE_KEY:
      if (value.size() != kKeySize) return false;
      device.private_key = PrivateKey::CopyOf(value.first<kKeySize>());
      return true;
    case WGDEVICE_A_PUBLIC_KEY:
      return Read(value, device.public_key.bytes);
    case WGDEVICE_A_LISTEN_PORT:
      return Read(value, device.listen_port);
    default:
      return true;
  }
}

}  // namespace

Status DumpParser::AddPeer(KernelPeer peer) {
  allowed_ips_ += peer.allowed_ips.size();
  if (allowed_ips_ > kMaxAllowedIpsInDump || dump_.peers.size() >= kMaxPeersInDump) {
    return Error{ErrorCode::kResourceExhausted, "the interface has more peers than jitwg can hold"};
  }
  // A peer whose addresses overflow a message comes again with its key and the rest.
  if (!dump_.peers.empty() && dump_.peers.back().public_key == peer.public_key) {
    auto& into = dump_.peers.back().allowed_ips;
    into.insert(into.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
  } else {
    dump_.peers.push_back(std::move(peer));
  }
  return {};
}

Status DumpParser::ParsePeers(Bytes nest) {
  Status status;
  const bool whole = ForEachAttribute(nest, [&](std::uint16_t, Bytes entry) {
    std::optional<KernelPeer> peer = ParsePeer(entry);
    status = peer ? AddPeer(std::move(*peer)) : DamagedReply();
    return status.has_value();
  });
  if (status && !whole) return DamagedReply();
  return status;
}

Status DumpParser::ParseMessage(Bytes payload) {
  if (payload.size() < MNL_ALIGN(sizeof(genlmsghdr))) return DamagedReply();
  Status status;
  const Bytes attributes = payload.subspan(MNL_ALIGN(sizeof(genlmsghdr)));
  const bool first = !has_device_;
  const bool whole = ForEachAttribute(attributes, [&](std::uint16_t type, Bytes value) {
    if (type != WGDEVICE_A_PEERS) return !first || ParseDeviceAttribute(type, value, device_);
    if (want_peers_) status = ParsePeers(value);
    return status.has_value();
  });
  if (status && !whole) return DamagedReply();
  has_device_ = true;
  return status;
}

Result<DumpParser::Step> DumpParser::Feed(Bytes datagram) {
  Status status;
  Step step = Step::kMore;
  const bool whole = ForEachMessage(datagram, [&](const nlmsghdr& header, Bytes payload) {
    if (header.nlmsg_seq != sequence_) return true;
    dump_.interrupted = dump_.interrupted || (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      // A done message without a code is a success.
      const bool bare = header.nlmsg_type == NLMSG_DONE && payload.empty();
      errno_value_ = bare ? 0 : ErrnoOf(payload);
      step = Step::kDone;
      return false;
    }
    if (header.nlmsg_type >= NLMSG_MIN_TYPE) status = ParseMessage(payload);
    return status.has_value();
  });
  if (!status) return status.error();
  if (!whole) return DamagedReply();
  if (errno_value_ != 0) return ErrnoError("the kernel ended the list of peers", errno_value_);
  return step;
}

int ParseAck(Bytes datagram, std::uint32_t sequence) {
  int result = EBADMSG;
  ForEachMessage(datagram, [&](const nlmsghdr& header, Bytes payload) {
    if (header.nlmsg_seq != sequence || header.nlmsg_type != NLMSG_ERROR) return true;
    result = ErrnoOf(payload);
    return false;
  });
  return result;
}

Result<std::uint16_t> ParseFamily(Bytes datagram, std::uint32_t sequence) {
  const int error = ParseAck(datagram, sequence);
  if (error != EBADMSG && error != 0) {
    return Error{ErrorCode::kNotFound,
                 "the kernel has no WireGuard: load it (modprobe wireguard) or use userspace"};
  }
  std::uint16_t family = 0;
  ForEachMessage(datagram, [&](const nlmsghdr& header, Bytes payload) {
    const auto skip = MNL_ALIGN(sizeof(genlmsghdr));
    if (header.nlmsg_seq != sequence || payload.size() < skip) return true;
    ForEachAttribute(payload.subspan(skip), [&](std::uint16_t type, Bytes value) {
      return type != CTRL_ATTR_FAMILY_ID || Read(value, family);
    });
    return false;
  });
  if (family < NLMSG_MIN_TYPE) return DamagedReply();
  return family;
}

}  // namespace jitwg::sniffer
