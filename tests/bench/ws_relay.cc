// A bare relay to compare the ingress with: TLS by Boost.Asio in, and out either UDP datagrams that
// a two-byte length separates on the way in, or a TCP stream as it is. One connection, no
// WebSocket, no limits: not for use.
#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "lib/ws_io/datagram_socket.h"
#include "lib/ws_io/socket_address.h"

namespace {

using boost::asio::ip::tcp;
using Stream = boost::asio::ssl::stream<tcp::socket>;

constexpr std::size_t kRoom = 65536;

// Datagrams of `bytes` out; how much was used. A length of 0 is answered with one byte: all before
// it was sent.
std::size_t SendDatagrams(std::span<const std::uint8_t> bytes, int socket, Stream& stream) {
  jitwg::ws::SendBatch batch;
  std::size_t used = 0;
  while (bytes.size() - used >= 2) {
    const std::size_t length = std::size_t{bytes[used]} << 8 | bytes[used + 1];
    if (bytes.size() - used < 2 + length) break;
    if (length == 0) {
      batch.Flush(socket);
      boost::asio::write(stream, boost::asio::buffer("!", 1));
    } else {
      batch.Add(bytes.subspan(used + 2, length));
      if (batch.full()) batch.Flush(socket);
    }
    used += 2 + length;
  }
  batch.Flush(socket);
  return used;
}

void RelayToUdp(Stream& stream, const jitwg::Endpoint& target) {
  const auto socket = jitwg::ws::ConnectDatagrams(target, std::nullopt);
  std::vector<std::uint8_t> buffer(kRoom);
  std::size_t kept = 0;
  for (;;) {
    const std::size_t got =
        stream.read_some(boost::asio::buffer(buffer.data() + kept, buffer.size() - kept));
    const std::size_t all = kept + got;
    const std::size_t used = SendDatagrams(std::span(buffer).first(all), socket->get(), stream);
    kept = all - used;
    std::memmove(buffer.data(), buffer.data() + used, kept);
  }
}

void RelayToTcp(Stream& stream, const jitwg::Endpoint& target) {
  tcp::socket out(stream.get_executor());
  out.connect({boost::asio::ip::make_address(target.address.ToString()), target.port});
  std::vector<std::uint8_t> buffer(kRoom);
  for (;;) {
    const std::size_t got = stream.read_some(boost::asio::buffer(buffer));
    boost::asio::write(out, boost::asio::buffer(buffer.data(), got));
  }
}

// From UDP to TLS: whoever sends a first datagram of the connection is not asked; the port is told.
void RelayFromUdp(Stream& stream) {
  const auto socket = jitwg::ws::BindDatagrams(*jitwg::ws::ParseEndpoint("127.0.0.1:0"));
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  ::getsockname(socket->get(), reinterpret_cast<sockaddr*>(&storage), &length);
  const auto port = jitwg::ws::ToEndpoint(storage)->port;
  const std::uint8_t told[2] = {static_cast<std::uint8_t>(port >> 8),
                                static_cast<std::uint8_t>(port)};
  boost::asio::write(stream, boost::asio::buffer(told));
  jitwg::ws::ReceiveBatch batch(9217);
  boost::asio::posix::stream_descriptor waiting(stream.get_executor(), ::dup(socket->get()));
  std::vector<std::uint8_t> out;
  for (;;) {
    waiting.wait(boost::asio::posix::stream_descriptor::wait_read);
    const std::size_t count = batch.Receive(socket->get());
    out.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const auto datagram = batch.datagram(i);
      out.push_back(static_cast<std::uint8_t>(datagram.size() >> 8));
      out.push_back(static_cast<std::uint8_t>(datagram.size()));
      out.insert(out.end(), datagram.begin(), datagram.end());
    }
    boost::asio::write(stream, boost::asio::buffer(out));
  }
}

void Serve(Stream& stream, const std::string& mode, const jitwg::Endpoint& target) {
  try {
    stream.lowest_layer().set_option(tcp::no_delay(true));
    stream.handshake(Stream::server);
    if (mode == "udp") RelayToUdp(stream, target);
    if (mode == "tcp") RelayToTcp(stream, target);
    if (mode == "from-udp") RelayFromUdp(stream);
  } catch (const boost::system::system_error&) {
    // The client is done.
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string certificate;
  std::string key;
  std::string mode;
  std::string target_text = "127.0.0.1:1";
  CLI::App app("bare TLS relay");
  app.add_option("--tls-cert", certificate)->required();
  app.add_option("--tls-key", key)->required();
  app.add_option("--mode", mode)->check(CLI::IsMember({"udp", "tcp", "from-udp"}))->required();
  app.add_option("--target", target_text);
  CLI11_PARSE(app, argc, argv);
  boost::asio::io_context io;
  boost::asio::ssl::context tls(boost::asio::ssl::context::tls_server);
  tls.use_certificate_chain_file(certificate);
  tls.use_private_key_file(key, boost::asio::ssl::context::pem);
  tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  std::cout << "listen=" << acceptor.local_endpoint().port() << std::endl;
  const auto target = *jitwg::ws::ParseEndpoint(target_text);
  for (;;) {
    Stream stream(acceptor.accept(), tls);
    Serve(stream, mode, target);
  }
}
