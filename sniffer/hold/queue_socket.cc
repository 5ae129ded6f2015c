// See queue_socket.h.
#include "sniffer/hold/queue_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "sniffer/hold/nfnetlink_exchange.h"
#include "sniffer/hold/nfqueue_message.h"

namespace jitwg::sniffer {
namespace {

// Headers of any initiation fit: an IPv6 header with extensions, or IPv4 with options, + 156.
constexpr std::uint32_t kCopyBytes = 512;
// What one waiting message costs the socket's buffer, with the kernel's own overhead.
constexpr std::uint64_t kBufferPerPacket = 2048;
// Numbers that are chosen begin far above those that people give.
constexpr unsigned kFirstChosen = 20000;
constexpr unsigned kChosenSpan = 40000;
constexpr unsigned kTries = 64;

void GrowBuffer(const NetlinkSocket& socket, std::uint32_t max_packets) {
  const int size = static_cast<int>(
      std::clamp<std::uint64_t>(max_packets * kBufferPerPacket, 1 << 20, 64 << 20));
  // Without the privilege, as much as net.core.rmem_max allows: what finds no room passes unseen.
  if (::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0) {
    ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  }
}

unsigned FirstChoice(std::string_view name) {
  unsigned sum = 0;
  for (const char letter : name) sum = sum * 31 + static_cast<unsigned char>(letter);
  return sum % kChosenSpan;
}

Error CannotBind(int errno_value, const std::string& which) {
  if (errno_value == EPERM || errno_value == EBUSY) {
    return {ErrorCode::kPermissionDenied,
            "cannot take " + which + ": run with CAP_NET_ADMIN, and let no other program have it"};
  }
  Error error =
      ErrnoError("cannot take " + which + " (the kernel needs nfnetlink_queue)", errno_value);
  return {ErrorCode::kUnimplemented, std::move(error.message)};
}

}  // namespace

Result<std::shared_ptr<QueueSocket>> QueueSocket::Open(const QueueOptions& options) {
  auto socket = NetlinkSocket::Open(NETLINK_NETFILTER);
  if (!socket) return socket.error();
  GrowBuffer(*socket, options.max_packets);
  const unsigned first = FirstChoice(options.name);
  int error = 0;
  for (unsigned attempt = 0; attempt < kTries; ++attempt) {
    const auto number = options.number.value_or(
        static_cast<std::uint16_t>(kFirstChosen + (first + attempt) % kChosenSpan));
    const std::uint32_t sequence = attempt + 1;
    error = ExchangeNfnetlink(*socket,
                              EncodeQueueBind({number, kCopyBytes, options.max_packets}, sequence),
                              sequence, sequence);
    if (error == 0) {
      return std::shared_ptr<QueueSocket>(new QueueSocket(std::move(*socket), number));
    }
    if (options.number) return CannotBind(error, "packet queue " + std::to_string(number));
    // Somebody has that one, or we may have none at all: the last attempt tells.
    if (error != EPERM && error != EBUSY) break;
  }
  return CannotBind(error, "a packet queue");
}

void QueueSocket::Send(std::span<const std::uint8_t> message) {
  // Out of memory for a moment is the one way to fail; the packet then waits for AcceptUpTo.
  if (socket_.Send(message) != 0) failures_.fetch_add(1, std::memory_order_relaxed);
}

void QueueSocket::Accept(std::uint32_t packet_id) { Send(EncodeAccept(number_, packet_id)); }

void QueueSocket::AcceptUpTo(std::uint32_t packet_id) {
  Send(EncodeAcceptUpTo(number_, packet_id));
}

void QueueSocket::AcceptAll() {
  // Numbers count up and wrap; nothing that waits is this far ahead of the newest one read.
  AcceptUpTo(newest_.load(std::memory_order_relaxed) + (1u << 30));
}

}  // namespace jitwg::sniffer
