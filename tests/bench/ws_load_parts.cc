#include "tests/bench/ws_load_parts.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>

#include "lib/ws/handshake.h"
#include "lib/ws_io/socket_address.h"

namespace jitwg::bench {
namespace {

constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr int kBuffer = 64 << 20;

const ws::TlsContext& Tls(const std::string& ca_file) {
  static const ws::TlsContext context = *ws::TlsContext::ForClient(ca_file);
  return context;
}

void Wait(int descriptor, ws::IoState state) {
  pollfd one{descriptor, static_cast<short>(state == ws::IoState::kWantWrite ? POLLOUT : POLLIN),
             0};
  ::poll(&one, 1, 10'000);
}

}  // namespace

void Die(const std::string& what) {
  std::cerr << "ws_load: " << what << " (" << std::strerror(errno) << ")\n";
  std::exit(1);
}

ws::MaskKey SomeMask() { return {0x37, 0xfa, 0x21, 0x3d}; }

Connection::Connection(const LoadOptions& options, std::uint32_t source)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (source != 0) {
    address.sin_addr.s_addr = htonl(0x7f000000U | source);
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      Die("bind");
    }
  }
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options.port);
  if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    Die("connect");
  }
  ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  stream_ = ws::MakeTlsClientStream(Tls(options.ca_file), socket_.get(), "localhost");
  for (;;) {
    const ws::IoResult result = stream_->Handshake();
    if (result.state == ws::IoState::kDone) return;
    if (result.state >= ws::IoState::kClosed) Die("TLS: " + stream_->Problem());
    Wait(socket_.get(), result.state);
  }
}

void Connection::Write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ws::IoResult result = stream_->Write(bytes);
    if (result.state >= ws::IoState::kClosed) Die("write: " + stream_->Problem());
    if (result.state != ws::IoState::kDone) Wait(socket_.get(), result.state);
    bytes = bytes.subspan(result.bytes);
  }
}

std::size_t Connection::Read(std::span<std::uint8_t> into) {
  for (;;) {
    const ws::IoResult result = stream_->Read(into);
    if (result.state == ws::IoState::kDone) return result.bytes;
    if (result.state >= ws::IoState::kClosed) return 0;
    Wait(socket_.get(), result.state);
  }
}

std::size_t Connection::ReadWithin(std::span<std::uint8_t> into, int milliseconds) {
  const ws::IoResult result = stream_->Read(into);
  if (result.state == ws::IoState::kDone) return result.bytes;
  pollfd one{socket_.get(), POLLIN, 0};
  if (::poll(&one, 1, milliseconds) <= 0) return 0;
  const ws::IoResult again = stream_->Read(into);
  return again.state == ws::IoState::kDone ? again.bytes : 0;
}

void Connection::Upgrade() {
  const std::string text = ws::UpgradeRequest("localhost", "/", kKey, ws::Variant::kDatagrams);
  Write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  std::string head;
  std::array<std::uint8_t, 1024> buffer;
  while (!ws::FindHeadEnd(head)) {
    const std::size_t got = Read(buffer);
    if (got == 0) Die("no upgrade");
    head.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
  const Status upgraded = ws::CheckUpgradeResponse(head, kKey, ws::Variant::kDatagrams);
  if (!upgraded) Die(upgraded.error().message);
}

Gateway::Gateway(std::uint16_t port, Takes takes) {
  auto socket = ws::BindDatagrams(*ws::ParseEndpoint("127.0.0.1:" + std::to_string(port)));
  if (!socket) Die(socket.error().message);
  socket_ = std::move(*socket);
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof(kBuffer)) != 0) {
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &kBuffer, sizeof(kBuffer));
  }
  const int on = 1;
  if (takes == Takes::kSegmented) {
    ::setsockopt(socket_.get(), SOL_UDP, UDP_GRO, &on, sizeof(on));
  }
  thread_ = std::thread([this, takes] { Run(takes == Takes::kSegmented ? 65536 : 2048); });
}

Gateway::~Gateway() { Stop(); }

void Gateway::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Gateway::Run(std::size_t room) {
  ws::ReceiveBatch batch(room);
  while (!stop_) {
    const std::size_t count = batch.Receive(socket_.get());
    for (std::size_t i = 0; i < count; ++i) bytes_ += batch.datagram(i).size();
    // Not woken for each datagram: the kernel's WireGuard has no thread that is.
    if (count == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace jitwg::bench
