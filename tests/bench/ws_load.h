// The load of the WebSocket benchmark, from the clients' side: each function connects to a running
// ingress or relay on 127.0.0.1 with TLS, moves datagrams, and says what it saw. For benchmarks
// only: what goes wrong ends the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace jitwg::bench {

struct LoadOptions {
  std::string ca_file;
  std::uint16_t port = 0;
  std::uint16_t gateway_port = 0;  // where the program under test sends: bound here
  std::size_t datagram = 1452;
  std::size_t megabytes = 400;
  std::size_t clients = 2000;
  std::size_t datagrams_each = 100;
};

// One connection sends as fast as it can. How long until the far side says that it has passed on
// everything, as megabytes of payload a second; and how much of it came out.
struct Throughput {
  double megabytes_per_second = 0;
  double arrived_share = 0;
};
Throughput UploadThroughIngress(const LoadOptions& options);
Throughput UploadThroughUdpRelay(const LoadOptions& options);
Throughput UploadThroughTcpRelay(const LoadOptions& options);
// The gateway sends as fast as it can; what does not fit the socket of the program under test is
// lost before it, so this is what comes out at the client in the same time.
Throughput DownloadThroughIngress(const LoadOptions& options);
Throughput DownloadThroughRelay(const LoadOptions& options);

// All clients at once, each from an address of its own: 148 bytes and an answer of 92 as in a
// handshake, then datagrams both ways, a few under way at a time; what is not answered within two
// seconds is sent again.
struct CrowdOutcome {
  std::size_t connected = 0;
  std::size_t finished = 0;
  std::uint64_t answered = 0;
  std::uint64_t sent_again = 0;
  double connect_seconds = 0;
  double datagram_seconds = 0;
  std::size_t gateway_sources = 0;  // addresses that the gateway saw
};
CrowdOutcome Crowd(const LoadOptions& options);

}  // namespace jitwg::bench
