// What the loads of ws_load.h are made of.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/net.h"
#include "lib/ws/output_buffer.h"
#include "lib/ws/tunnel.h"
#include "lib/ws_io/byte_stream.h"
#include "lib/ws_io/datagram_socket.h"
#include "tests/bench/ws_load.h"

namespace jitwg::bench {

[[noreturn]] void Die(const std::string& what);

// A TLS connection whose calls wait.
class Connection {
 public:
  // From 127.x.y.z when `source` is not 0 (then the last three bytes of it).
  explicit Connection(const LoadOptions& options, std::uint32_t source = 0);
  void Upgrade();
  void Write(std::span<const std::uint8_t> bytes);
  // At least one byte, or none at the end.
  std::size_t Read(std::span<std::uint8_t> into);
  // For at most that long: 0 when nothing came.
  std::size_t ReadWithin(std::span<std::uint8_t> into, int milliseconds);
  ws::ByteStream& stream() { return *stream_; }
  int descriptor() const { return socket_.get(); }

 private:
  ws::Descriptor socket_;
  std::unique_ptr<ws::ByteStream> stream_;
};

// A UDP socket on 127.0.0.1 with the largest buffer that the machine gives, and a thread that
// counts what comes.
class Gateway {
 public:
  // Whether a segmented packet comes as one, as recent WireGuards in user space want it, or is
  // taken apart by the kernel on the sender's account.
  enum class Takes { kSegmented, kApart };
  explicit Gateway(std::uint16_t port, Takes takes = Takes::kApart);
  ~Gateway();
  std::uint64_t bytes() const { return bytes_; }
  void Stop();
  int descriptor() const { return socket_.get(); }

 private:
  void Run(std::size_t room);
  ws::Descriptor socket_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

ws::MaskKey SomeMask();

}  // namespace jitwg::bench
