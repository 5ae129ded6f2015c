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
  // Where the program under test sends: bound here, but for the crowd.
  std::uint16_t gateway_port = 0;
  std::size_t datagram = 1452;
  std::size_t megabytes = 400;
  std::size_t clients = 2000;
  std::size_t datagrams_each = 100;
  bool segmented_sink = false;  // an upload's gateway takes segmented packets whole
  std::string gateway_key;      // base64, the gateway's WireGuard
  std::string registry;         // as for jitwgctl
};

// One connection sends as fast as it can. How long until the far side says that it has passed on
// everything, as megabytes of payload a second; and how much of it came out.
struct Throughput {
  double megabytes_per_second = 0;
  double megabytes = 0;  // that were sent up, or came down
  double arrived_share = 0;
};
Throughput UploadThroughIngress(const LoadOptions& options);
Throughput UploadThroughUdpRelay(const LoadOptions& options);
Throughput UploadThroughTcpRelay(const LoadOptions& options);
// The gateway sends as fast as it can; what does not fit the socket of the program under test is
// lost before it, so this is what comes out at the client in the same time.
Throughput DownloadThroughIngress(const LoadOptions& options);
Throughput DownloadThroughRelay(const LoadOptions& options);

// A just-in-time gateway's clients, each with an address of its own outside (127.1.0.0/16) and
// inside (10.9.0.0/16, the gateway is 10.9.0.1). Writes them into a registry, so that they may come
// in.
void RegisterCrowd(const LoadOptions& options);

// All clients at once: they connect, then each makes a WireGuard handshake with the gateway's
// WireGuard, then each sends pings through its tunnel, one at a time, until `datagrams_each` were
// answered. As many at a time are under way in all as one UDP socket's buffer surely holds.
struct CrowdOutcome {
  std::size_t connected = 0;
  std::size_t established = 0;
  std::size_t finished = 0;
  std::uint64_t initiations_again = 0;  // after five seconds without an answer
  std::uint64_t pings_unanswered = 0;   // for two seconds; another one took its place
  // Datagrams through the WebSockets, whatever was in them.
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t not_understood = 0;  // of those received
  double connect_seconds = 0;
  double handshake_seconds = 0;
  double datagram_seconds = 0;
  // Of a handshake and of a ping, first packet to answer.
  double handshake_p50_ms = 0;
  double handshake_p99_ms = 0;
  double ping_p50_ms = 0;
  double ping_p99_ms = 0;
};
CrowdOutcome Crowd(const LoadOptions& options);

}  // namespace jitwg::bench
