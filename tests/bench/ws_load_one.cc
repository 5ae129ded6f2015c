// One connection, as fast as it goes.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <thread>

#include "lib/ws_io/socket_address.h"
#include "tests/bench/ws_load_parts.h"

namespace jitwg::bench {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kTogether = 45;  // datagrams in one write, about 64 KiB
constexpr std::chrono::seconds kDownload(3);

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

std::size_t Writes(const LoadOptions& options) {
  return options.megabytes * 1'000'000 / (kTogether * options.datagram);
}

Throughput Outcome(double seconds, std::uint64_t sent, std::uint64_t arrived) {
  const double megabytes = static_cast<double>(sent) / 1e6;
  return {megabytes / seconds, megabytes, static_cast<double>(arrived) / static_cast<double>(sent)};
}

Gateway::Takes Taking(const LoadOptions& options) {
  return options.segmented_sink ? Gateway::Takes::kSegmented : Gateway::Takes::kApart;
}

// Writes `block` over and over, then waits until `done` says that it is through.
Throughput Upload(const LoadOptions& options, Connection& connection, const Bytes& block,
                  const std::function<void()>& done,
                  const std::function<std::uint64_t()>& arrived) {
  const auto begin = std::chrono::steady_clock::now();
  const std::size_t writes = Writes(options);
  for (std::size_t i = 0; i < writes; ++i) connection.Write(block);
  done();
  const double seconds = Seconds(begin);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  return Outcome(seconds, writes * kTogether * options.datagram, arrived());
}

// Looks like WireGuard's transport data.
Bytes SomeDatagram(std::size_t size) {
  Bytes datagram(size, 0x5a);
  const std::array<std::uint8_t, 4> type = {4, 0, 0, 0};
  std::copy(type.begin(), type.end(), datagram.begin());
  return datagram;
}

Bytes PrefixedBlock(std::size_t datagram) {
  Bytes block;
  for (std::size_t i = 0; i < kTogether; ++i) {
    block.push_back(static_cast<std::uint8_t>(datagram >> 8));
    block.push_back(static_cast<std::uint8_t>(datagram));
    const Bytes one = SomeDatagram(datagram);
    block.insert(block.end(), one.begin(), one.end());
  }
  return block;
}

// Sends to `to` for a while; `read` returns payload bytes that came out at the client, 0 when none
// are left.
Throughput Download(const LoadOptions& options, Gateway& gateway, const Endpoint& to,
                    const std::function<std::uint64_t()>& read) {
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> sent{0};
  std::thread sender([&] {
    const Bytes datagram = SomeDatagram(options.datagram);
    const ws::SocketAddress address = ws::ToSocketAddress(to);
    ws::SendBatch batch;
    while (!stop) {
      while (!batch.full()) batch.Add(datagram);
      batch.Flush(gateway.descriptor(), address.get(), address.length);
      sent += ws::kBatch * options.datagram;
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t got = 0;
  while (std::chrono::steady_clock::now() - begin < kDownload) got += read();
  const double seconds = Seconds(begin);
  stop = true;
  sender.join();
  const double megabytes = static_cast<double>(got) / 1e6;
  return {megabytes / seconds, megabytes,
          static_cast<double>(got) / static_cast<double>(sent.load())};
}

class CountingSink : public ws::DatagramSink {
 public:
  void OnDatagram(std::span<const std::uint8_t> datagram) override { bytes += datagram.size(); }
  void OnKeepalive() override {}
  std::uint64_t bytes = 0;
};

}  // namespace

Throughput UploadThroughIngress(const LoadOptions& options) {
  Gateway gateway(options.gateway_port, Taking(options));
  Connection connection(options);
  connection.Upgrade();
  ws::Tunnel tunnel(ws::Role::kClient, ws::Variant::kDatagrams, SomeMask);
  ws::OutputBuffer block;
  const Bytes datagram = SomeDatagram(options.datagram);
  for (std::size_t i = 0; i < kTogether; ++i) tunnel.AppendDatagram(datagram, block);
  const auto done = [&] {
    ws::OutputBuffer ping;
    tunnel.AppendPing(ping);
    connection.Write(ping.pending());
    Bytes pong(16);
    if (connection.Read(pong) == 0) Die("no pong");
  };
  const Bytes bytes(block.pending().begin(), block.pending().end());
  return Upload(options, connection, bytes, done, [&] { return gateway.bytes(); });
}

Throughput UploadThroughUdpRelay(const LoadOptions& options) {
  Gateway gateway(options.gateway_port, Taking(options));
  Connection connection(options);
  const auto done = [&] {
    connection.Write(Bytes{0, 0});
    Bytes answer(1);
    if (connection.Read(answer) == 0) Die("no answer");
  };
  return Upload(options, connection, PrefixedBlock(options.datagram), done,
                [&] { return gateway.bytes(); });
}

Throughput UploadThroughTcpRelay(const LoadOptions& options) {
  ws::Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address =
      ws::ToSocketAddress(*ws::ParseEndpoint("127.0.0.1:" + std::to_string(options.gateway_port)));
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(listener.get(), address.get(), address.length) != 0) Die("bind");
  if (::listen(listener.get(), 1) != 0) Die("listen");
  const Bytes block = PrefixedBlock(options.datagram);
  const std::uint64_t expected = Writes(options) * block.size();
  std::atomic<std::uint64_t> got{0};
  std::thread reader([&] {
    const ws::Descriptor from(::accept(listener.get(), nullptr, nullptr));
    Bytes buffer(65536);
    while (got < expected) {
      const ssize_t count = ::recv(from.get(), buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      got += static_cast<std::uint64_t>(count);
    }
  });
  Connection connection(options);
  const auto done = [&] { reader.join(); };
  return Upload(options, connection, block, done,
                [&] { return got.load() * (kTogether * options.datagram) / block.size(); });
}

Throughput DownloadThroughIngress(const LoadOptions& options) {
  Gateway gateway(options.gateway_port);
  gateway.Stop();
  Connection connection(options);
  connection.Upgrade();
  ws::Tunnel tunnel(ws::Role::kClient, ws::Variant::kDatagrams, SomeMask);
  ws::OutputBuffer first;
  tunnel.AppendDatagram(Bytes(1, 0), first);
  connection.Write(first.pending());
  sockaddr_storage sender{};
  socklen_t length = sizeof(sender);
  Bytes buffer(65536);
  while (::recvfrom(gateway.descriptor(), buffer.data(), buffer.size(), 0,
                    reinterpret_cast<sockaddr*>(&sender), &length) < 0) {
  }
  CountingSink sink;
  return Download(options, gateway, *ws::ToEndpoint(sender), [&] {
    const std::uint64_t before = sink.bytes;
    const std::size_t got = connection.ReadWithin(buffer, 100);
    if (tunnel.Receive(std::span(buffer).first(got), sink) != ws::Fault::kNone) Die("framing");
    return sink.bytes - before;
  });
}

Throughput DownloadThroughRelay(const LoadOptions& options) {
  Gateway gateway(options.gateway_port);
  gateway.Stop();
  Connection connection(options);
  Bytes buffer(65536);
  if (connection.Read(std::span(buffer).first(2)) != 2) Die("no port");
  const auto port = static_cast<std::uint16_t>(buffer[0] << 8 | buffer[1]);
  const Endpoint to{ws::ParseEndpoint("127.0.0.1:1")->address, port};
  return Download(options, gateway, to, [&] {
    // Two bytes of each datagram are its length.
    return connection.ReadWithin(buffer, 100) * options.datagram / (options.datagram + 2);
  });
}

}  // namespace jitwg::bench
