// Keeps interfaces, keys and capture filters in step with what the operator does to the WireGuard
// interfaces: on link events, on a burst of mac1 failures (a new key), and by a slow poll.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "lib/base/clock.h"
#include "sniffer/capture/packet_source.h"
#include "sniffer/interface_table.h"
#include "sniffer/statistics.h"

namespace jitwg::sniffer {

struct FollowerOptions {
  std::chrono::milliseconds poll_interval{2000};
  std::uint64_t mac1_burst = 8;  // failures since the last reading that ask for one
};

// The references and sources must outlive it.
class Follower {
 public:
  Follower(InterfaceTable& interfaces, std::vector<PacketSource*> sources,
           const Statistics& statistics, const FollowerOptions& options);
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Asks for a reading soon. Any thread.
  void Nudge();

  // Reads the interfaces and gives every source the ports. Called by the thread; also once before
  // it starts.
  void ReadAgain();

  // Starts the thread; it ends with the object.
  void Start();

 private:
  void Run(const std::stop_token& stop);
  bool Due(std::chrono::milliseconds since_last);

  InterfaceTable& interfaces_;
  const std::vector<PacketSource*> sources_;
  const Statistics& statistics_;
  const FollowerOptions options_;
  std::uint64_t bad_mac1_seen_ = 0;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool nudged_ = false;
  bool filters_set_ = false;
  std::jthread thread_;
};

}  // namespace jitwg::sniffer
