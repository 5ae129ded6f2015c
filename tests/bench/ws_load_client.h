// One client of the crowd: a WireGuard in memory that speaks through a WebSocket of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "lib/base/clock.h"
#include "tests/bench/ws_load_parts.h"
#include "tests/bench/ws_load_ping.h"
#include "tests/support/tunnel.h"

namespace jitwg::bench {

class CrowdClient : private ws::DatagramSink {
 public:
  enum class Task { kHandshake, kPings };
  struct Seen {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t not_understood = 0;
    std::uint64_t initiations_again = 0;
    std::uint64_t pings_unanswered = 0;
    std::vector<double> handshake_ms;
    std::vector<double> ping_ms;
  };

  // Number `index` of the crowd, connected.
  CrowdClient(const LoadOptions& options, std::uint32_t index);

  int descriptor() const { return connection_.descriptor(); }
  // Sends one initiation or one ping; busy until it is answered.
  void Start(Task task);
  bool busy() const { return busy_; }
  bool may_begin(Task task) const { return task == Task::kHandshake || through(Task::kHandshake); }
  // Has nothing more to do of it.
  bool through(Task task) const;
  void SendAgainIfLate();
  void ReadAll(std::vector<std::uint8_t>& buffer);
  void SayGoodbye();
  const Seen& seen() const { return seen_; }

 private:
  void OnDatagram(std::span<const std::uint8_t> datagram) override;
  void OnKeepalive() override {}
  bool Understand(std::span<const std::uint8_t> datagram);
  void Send(std::span<const std::uint8_t> datagram);
  void SendTask();
  double MillisecondsUnderWay() const;

  const LoadOptions& options_;
  const Ipv4 inside_;
  Connection connection_;
  ws::Tunnel socket_{ws::Role::kClient, ws::Variant::kDatagrams, SomeMask};
  test::Tunnel tunnel_;
  Task task_ = Task::kHandshake;
  bool busy_ = false;
  std::uint32_t ping_ = 0;
  std::size_t answered_ = 0;
  SteadyTime started_{};
  SteadyTime last_sent_{};
  Seen seen_;
};

}  // namespace jitwg::bench
