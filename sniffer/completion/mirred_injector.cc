#include "sniffer/completion/mirred_injector.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sodium/crypto_generichash.h>
#include <sodium/utils.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/base/key.h"
#include "sniffer/completion/link_reader.h"
#include "sniffer/completion/raw_injector.h"
#include "sniffer/completion/tc_message.h"
#include "sniffer/completion/udp_checksum.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kEtherTypeOffset = 12;
// Interfaces come and go; the filters of those that went are thrown away with all the others.
constexpr std::size_t kMostRedirects = 256;
// How old the knowledge of bridges, bonds and VLANs may be.
constexpr std::chrono::seconds kLinksAge{2};

std::string NameWith(const char* prefix, const std::string& state_dir) {
  std::array<std::uint8_t, crypto_generichash_BYTES_MIN> digest{};
  crypto_generichash(digest.data(), digest.size(),
                     reinterpret_cast<const unsigned char*>(state_dir.data()), state_dir.size(),
                     nullptr, 0);
  return prefix + ToHex(std::span(digest).first(4));
}

Error Lacks(const std::string& what, int error) {
  if (error == EPERM || error == EACCES) {
    return Error{ErrorCode::kPermissionDenied, what + ": not permitted (CAP_NET_ADMIN)"};
  }
  return Error{ErrorCode::kUnimplemented, ErrnoError(what, error).message};
}

std::vector<std::uint16_t> VlanIdsOf(const OriginalPacket& packet) {
  std::vector<std::uint16_t> ids;
  for (std::size_t at = 0; at < packet.tag_bytes(); at += 4) {
    const auto tag = packet.link_payload().subspan(at);
    ids.push_back(static_cast<std::uint16_t>((tag[0] << 8 | tag[1]) & 0x0fff));
  }
  return ids;
}

}  // namespace

std::string MirredInjector::HelperName(const std::string& state_dir) {
  return NameWith("jitwg", state_dir);
}

void MirredInjector::CleanUp(const std::string& state_dir) {
  const unsigned left = ::if_nametoindex(HelperName(state_dir).c_str());
  if (left == 0) return;
  auto route = RouteSocket::Open();
  if (!route) return;
  static_cast<void>(route->Do([&](std::uint32_t sequence, std::span<std::uint8_t> out) {
    return EncodeDeleteLink(sequence, left, out);
  }));
}

Result<std::unique_ptr<PacketInjector>> MirredInjector::Open(const std::string& state_dir) {
  CleanUp(state_dir);
  auto route = RouteSocket::Open();
  if (!route) return route.error();
  std::unique_ptr<MirredInjector> injector(new MirredInjector(std::move(*route)));
  if (const Status made = injector->MakeHelper(state_dir); !made) return made.error();
  if (const Status opened = injector->OpenPacketSocket(); !opened) return opened.error();
  // Whether filters and the redirection are there shows only when one is made.
  injector->loopback_ = ::if_nametoindex("lo");
  if (const Status made = injector->Redirect(injector->loopback_); !made) return made.error();
  auto raw = RawInjector::Open();
  if (!raw) return raw.error();
  injector->to_loopback_ = std::move(*raw);
  return std::unique_ptr<PacketInjector>(std::move(injector));
}

MirredInjector::~MirredInjector() {
  if (socket_ >= 0) ::close(socket_);
  if (helper_ == 0) return;
  static_cast<void>(route_.Do([this](std::uint32_t sequence, std::span<std::uint8_t> out) {
    return EncodeDeleteLink(sequence, helper_, out);
  }));
}

Status MirredInjector::MakeHelper(const std::string& state_dir) {
  const HelperLink link{HelperName(state_dir), NameWith("jitwp", state_dir)};
  int error = 0;
  for (const char* kind : {"dummy", "veth"}) {
    error = route_.Do([&](std::uint32_t sequence, std::span<std::uint8_t> out) {
      return EncodeNewLink(sequence, kind, link, out);
    });
    if (error != EOPNOTSUPP) break;
  }
  if (error != 0) return Lacks("cannot make a dummy or veth interface", error);
  helper_ = ::if_nametoindex(link.name.c_str());
  // For people, and for hosts with IPv6; neither is needed.
  static_cast<void>(route_.Do([this](std::uint32_t sequence, std::span<std::uint8_t> out) {
    return EncodeSetAlias(sequence, helper_, "jitwg-sniffer: gives first packets again", out);
  }));
  static_cast<void>(route_.Do([this](std::uint32_t sequence, std::span<std::uint8_t> out) {
    return EncodeNoIpv6Address(sequence, helper_, out);
  }));
  error = route_.Do([this](std::uint32_t sequence, std::span<std::uint8_t> out) {
    return EncodeLinkUp(sequence, helper_, out);
  });
  if (error != 0) return Lacks("cannot set the helper interface up", error);
  error = route_.Do([this](std::uint32_t sequence, std::span<std::uint8_t> out) {
    return EncodeNewClsact(sequence, helper_, out);
  });
  if (error != 0) return Lacks("cannot add the qdisc clsact", error);
  return {};
}

Status MirredInjector::OpenPacketSocket() {
  // Protocol 0: it sends, and never receives.
  socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return ErrnoError("cannot open a packet socket", errno);
  return {};
}

Status MirredInjector::Inject(const OriginalPacket& packet) {
  const std::lock_guard lock(mutex_);
  const auto target = TargetFor(packet);
  if (!target) return target.error();
  if (*target == loopback_) return to_loopback_->Inject(packet);
  if (Status ready = Redirect(*target); !ready) return ready;
  return Send(packet, *target);
}

Result<unsigned> MirredInjector::TargetFor(const OriginalPacket& packet) {
  const auto vlan_ids = VlanIdsOf(packet);
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now - links_read_ > kLinksAge) {
    auto links = ReadLinks(route_);
    if (!links) return links.error();
    links_ = std::move(*links);
    links_read_ = now;
  }
  const auto target = InputInterface(links_, packet.ifindex(), vlan_ids);
  if (target) return *target;
  // Perhaps it is newer than what is known.
  links_read_ = {};
  return Error{ErrorCode::kUnavailable, "no interface takes the packet's VLAN, or it is gone"};
}

Status MirredInjector::Redirect(unsigned target) {
  if (redirects_.count(target) != 0) return {};
  if (redirects_.size() >= kMostRedirects) {
    redirects_.clear();
    static_cast<void>(route_.Do([this](std::uint32_t sequence, std::span<std::uint8_t> out) {
      return EncodeDeleteRedirects(sequence, helper_, out);
    }));
  }
  const std::uint16_t preference = next_preference_;
  next_preference_ = static_cast<std::uint16_t>(next_preference_ % 0x7fff + 1);
  const int error = route_.Do([&](std::uint32_t sequence, std::span<std::uint8_t> out) {
    return EncodeNewRedirect(sequence, helper_, target, preference, out);
  });
  if (error != 0) return Lacks("cannot add a bpf filter with the action mirred", error);
  redirects_[target] = preference;
  return {};
}

Status MirredInjector::Send(const OriginalPacket& packet, unsigned target) const {
  std::array<std::uint8_t, kEthernetHeader + OriginalPacket::kCapacity> frame{};
  const auto source = packet.ip_packet();
  const auto ip_packet = std::span(frame).subspan(kEthernetHeader, source.size());
  std::copy(source.begin(), source.end(), ip_packet.begin());
  if (source.empty() || !FillUdpChecksum(ip_packet, packet.udp_offset())) {
    return Error{ErrorCode::kInternal, "the packet's lengths contradict each other"};
  }
  const std::uint32_t address = htonl(target);
  std::memcpy(frame.data(), &address, sizeof(address));
  std::memcpy(frame.data() + ETH_ALEN, &address, sizeof(address));
  const std::uint16_t protocol = htons(ip_packet[0] >> 4 == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
  std::memcpy(frame.data() + kEtherTypeOffset, &protocol, sizeof(protocol));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = protocol;
  to.sll_ifindex = static_cast<int>(helper_);
  const ssize_t sent = ::sendto(socket_, frame.data(), kEthernetHeader + source.size(),
                                MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  const int error = errno;
  sodium_memzero(frame.data(), frame.size());
  if (sent >= 0) return {};
  return ErrnoError("the helper interface did not take the packet", error);
}

}  // namespace jitwg::sniffer
