// One client's connection: TLS, the upgrade, datagrams both ways, the end. Lives on one worker's
// thread. What a client does ends this connection at most, and becomes a counter.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/net.h"
#include "lib/ws/http_head.h"
#include "lib/ws/output_buffer.h"
#include "lib/ws/tunnel.h"
#include "lib/ws_io/byte_stream.h"
#include "lib/ws_io/datagram_socket.h"
#include "ws-ingress/connection_limits.h"
#include "ws-ingress/counters.h"
#include "ws-ingress/settings.h"

namespace jitwg::ingress {

// A client that was accepted, on its way to the thread that serves it.
struct Arrival {
  ws::Descriptor socket;
  IpAddress peer;
  std::optional<ws::TlsContext> tls;  // nullopt: plain
  ConnectionLimits::Slot slot;
  std::optional<ConnectionLimits::Slot>
      source_slot;  // nullopt: a trusted proxy, its header will tell
};

// What the sessions of one thread share, buffers above all: an idle session has none of its own.
struct SessionHost {
  boost::asio::io_context& io;
  const Settings& settings;
  Counters& counters;
  ConnectionLimits& limits;
  std::vector<std::uint8_t> scratch = std::vector<std::uint8_t>(65536);
  // Datagrams of to_target that lie nowhere else, and how much of it is in use.
  std::vector<std::uint8_t> kept = std::vector<std::uint8_t>(2 * ws::kMaxDatagram);
  std::size_t kept_size = 0;
  ws::SendBatch to_target{};
  ws::ReceiveBatch from_target{ws::kMaxDatagram + 1};
};

class Session : public std::enable_shared_from_this<Session>, private ws::DatagramSink {
 public:
  Session(SessionHost& host, Arrival arrival);

  void Start();
  // To be called a few times a second: ends what took too long.
  void Sweep(SteadyTime now);
  // Says goodbye with code 1001.
  void Drain();
  // Nothing is left but to forget it.
  bool over() const { return stage_ == Stage::kOver; }

 private:
  enum class Stage : std::uint8_t { kTls, kHead, kOpen, kClosing, kOver };

  void OnDatagram(std::span<const std::uint8_t> datagram) override;
  void OnKeepalive() override {}

  void WaitToRead();
  void WaitToWrite();
  void WaitForTarget();
  void Proceed();
  void DoTls();
  void ReadHead();
  void JudgeHead(std::size_t head_size);
  bool TakeSource(const ws::HttpHead& head);
  void ReadFrames();
  std::size_t FillScratch(ws::IoState& state);
  void TakeFrames(std::span<std::uint8_t> bytes);
  void Discard();
  void ReserveFor(std::size_t datagrams);
  void ReadFromTarget();
  std::span<const std::uint8_t> Lasting(std::span<const std::uint8_t> datagram);
  bool OpenTarget();
  void FlushToTarget();
  void Flush();
  void Refuse(int status);
  void Close(ws::CloseCode code);
  void Linger();
  void Gone();
  void Finish();

  SessionHost& host_;
  const IpAddress peer_;
  boost::asio::posix::stream_descriptor tcp_;
  boost::asio::posix::stream_descriptor udp_;
  std::unique_ptr<ws::ByteStream> stream_;
  std::optional<ConnectionLimits::Slot> slot_;
  std::optional<ConnectionLimits::Slot> source_slot_;
  std::optional<SourceNetwork> source_;
  std::optional<ws::Tunnel> tunnel_;
  ws::OutputBuffer out_;
  std::string head_;
  Stage stage_ = Stage::kTls;
  SteadyTime deadline_;
  std::uint64_t signs_of_life_ = 0;
  bool waiting_to_read_ = false;
  bool waiting_to_write_ = false;
  bool source_failed_ = false;
  bool writing_ended_ = false;
};

}  // namespace jitwg::ingress
