// A UDP socket that never blocks and moves many datagrams with one system call. Only WireGuard's
// transport data leaves as segmented packets: a capture sees such a packet whole, and must see
// every handshake message by itself.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lib/base/net.h"
#include "lib/base/result.h"

namespace jitwg::ws {

// A descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  int Release();

 private:
  int number_ = -1;
};

// A UDP socket from `source` (any port; nullopt: the kernel chooses) that is connected to `target`.
// The error names both and says what bind(2) or connect(2) said.
Result<Descriptor> ConnectDatagrams(const Endpoint& target, const std::optional<IpAddress>& source);
// A UDP socket that listens.
Result<Descriptor> BindDatagrams(const Endpoint& local);

inline constexpr std::size_t kBatch = 64;

// Whether the kernel takes segmented packets (UDP_SEGMENT, Linux 4.18). Asked once.
bool KernelSegments();

// Collects datagrams and sends them together. Copies nothing: what is added must stay until Flush.
class SendBatch {
 public:
  // With `segments` neighbours of one length that begin as transport data does (04 00 00 00) go to
  // the kernel as one packet, which it takes apart where they arrive; where it does not take it,
  // they are sent one by one.
  SendBatch() : SendBatch(KernelSegments()) {}
  explicit SendBatch(bool segments) : segments_(segments) {}
  bool full() const { return count_ == kBatch; }
  bool empty() const { return count_ == 0; }
  void Add(std::span<const std::uint8_t> datagram);
  // Sends all on a connected socket, or to `to`. Returns how many the kernel did not take.
  std::size_t Flush(int descriptor, const sockaddr* to = nullptr, socklen_t to_length = 0);

 private:
  using Control = std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))>;
  std::size_t RunFrom(std::size_t first) const;
  std::size_t Compose(const sockaddr* to, socklen_t to_length);

  const bool segments_;
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
  alignas(cmsghdr) std::array<Control, kBatch> controls_{};
  std::size_t count_ = 0;
};

// Room for kBatch datagrams of at most `max_datagram` bytes. About kBatch times that in memory: one
// for each thread, not for each connection.
class ReceiveBatch {
 public:
  explicit ReceiveBatch(std::size_t max_datagram);
  // How many came; 0 when there is none. Errors that a datagram sent earlier provoked (nobody
  // listens there) count as none; `failed` is then set.
  std::size_t Receive(int descriptor);
  bool failed() const { return failed_; }
  // Of the last Receive. `truncated`: it was longer than the room.
  std::span<const std::uint8_t> datagram(std::size_t index) const;
  bool truncated(std::size_t index) const;
  const sockaddr_storage& sender(std::size_t index) const { return senders_[index]; }

 private:
  const std::size_t max_datagram_;
  std::vector<std::uint8_t> memory_;
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
  std::array<sockaddr_storage, kBatch> senders_{};
  bool failed_ = false;
};

}  // namespace jitwg::ws
