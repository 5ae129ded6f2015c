#include "sniffer/completion/raw_injector.h"

#include <netinet/in.h>
#include <sodium/utils.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "sniffer/completion/udp_checksum.h"

namespace jitwg::sniffer {
namespace {

// IPPROTO_RAW: only for sending, and the packet brings its own IP header (raw(7); net/ipv6/raw.c).
int OpenRaw(int family) { return ::socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW); }

Status Sent(ssize_t sent) {
  if (sent >= 0) return {};
  return ErrnoError("a raw socket did not take the packet", errno);
}

}  // namespace

Result<std::unique_ptr<PacketInjector>> RawInjector::Open() {
  const int ipv4 = OpenRaw(AF_INET);
  if (ipv4 < 0) return ErrnoError("cannot open a raw socket", errno);
  return std::unique_ptr<PacketInjector>(new RawInjector(ipv4, OpenRaw(AF_INET6)));
}

RawInjector::~RawInjector() {
  ::close(ipv4_);
  if (ipv6_ >= 0) ::close(ipv6_);
}

Status RawInjector::Inject(const OriginalPacket& packet) {
  std::array<std::uint8_t, OriginalPacket::kCapacity> copy{};
  const auto source = packet.ip_packet();
  const std::span<std::uint8_t> bytes(copy.data(), source.size());
  std::copy(source.begin(), source.end(), bytes.begin());
  if (bytes.empty() || !FillUdpChecksum(bytes, packet.udp_offset())) {
    return Error{ErrorCode::kInternal, "the packet's lengths contradict each other"};
  }
  ssize_t sent = 0;
  if (bytes[0] >> 4 == 4) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    std::memcpy(&to.sin_addr, bytes.data() + 16, 4);
    sent = ::sendto(ipv4_, bytes.data(), bytes.size(), MSG_DONTWAIT,
                    reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  } else {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    std::memcpy(&to.sin6_addr, bytes.data() + 24, 16);
    if (IN6_IS_ADDR_LINKLOCAL(&to.sin6_addr)) to.sin6_scope_id = packet.ifindex();
    sent = ::sendto(ipv6_, bytes.data(), bytes.size(), MSG_DONTWAIT,
                    reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  }
  const Status status = Sent(sent);
  sodium_memzero(copy.data(), copy.size());
  return status;
}

}  // namespace jitwg::sniffer
