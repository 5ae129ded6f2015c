// One packet queue of the kernel (NFQUEUE) and the verdicts on what waits in it. Only "accept" can
// be said: nothing here ever drops a packet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "lib/base/result.h"
#include "sniffer/install/netlink_socket.h"

namespace jitwg::sniffer {

struct QueueOptions {
  // nullopt: a free one is chosen, by `name` first.
  std::optional<std::uint16_t> number;
  std::string_view name;
  std::uint32_t max_packets = 4096;
};

// The kernel drops what still waits when it is closed, so AcceptAll comes before. Verdicts from any
// thread: each is one datagram, which the kernel acts on before the call returns.
class QueueSocket {
 public:
  // kPermissionDenied: CAP_NET_ADMIN is missing, or another program has the queue asked for;
  // kUnimplemented: the kernel has no packet queues.
  static Result<std::shared_ptr<QueueSocket>> Open(const QueueOptions& options);

  void Accept(std::uint32_t packet_id);
  // Whatever waits up to and with this one.
  void AcceptUpTo(std::uint32_t packet_id);
  // Whatever waits.
  void AcceptAll();

  std::uint16_t number() const { return number_; }
  int descriptor() const { return socket_.descriptor(); }
  // Reading thread: the newest packet's number, for AcceptAll.
  void NoteNewest(std::uint32_t packet_id) { newest_.store(packet_id, std::memory_order_relaxed); }
  // Verdicts that could not be sent.
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  QueueSocket(NetlinkSocket socket, std::uint16_t number)
      : socket_(std::move(socket)), number_(number) {}
  void Send(std::span<const std::uint8_t> message);

  NetlinkSocket socket_;
  const std::uint16_t number_;
  std::atomic<std::uint32_t> newest_{0};
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace jitwg::sniffer
