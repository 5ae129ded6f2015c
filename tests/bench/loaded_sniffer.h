// The sniffer's own parts put together as its daemon does, but for the two ends: frames are handed
// in by the benchmark, and the WireGuard interface is one in memory. gRPC, journal, log, tables and
// completion are the real ones.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "lib/base/clock.h"
#include "lib/rpc/server.h"
#include "sniffer/completion/completions.h"
#include "sniffer/completion/held_initiations.h"
#include "sniffer/completion/initiation_table.h"
#include "sniffer/completion/own_copies.h"
#include "sniffer/events_service.h"
#include "sniffer/install/peer_manager.h"
#include "sniffer/installer_service.h"
#include "sniffer/interface_table.h"
#include "sniffer/options.h"
#include "sniffer/pipeline.h"
#include "sniffer/statistics.h"
#include "tests/bench/crowd.h"
#include "tests/bench/memory_device.h"

namespace jitwg::bench {

struct LoadedSnifferOptions {
  std::string folder;  // of this sniffer alone: socket, journal
  unsigned workers = 1;
  // The packet of client n was given to WireGuard again: its handshake completes now.
  std::function<void(std::size_t client)> completed = [](std::size_t) {};
  // Stands between the pipeline and the event service; may be empty.
  std::function<void(const sniffer::HandshakeEvent&)> proved = {};
};

class LoadedSniffer final : private sniffer::EventSink {
 public:
  // Serves when it returns. Throws.
  explicit LoadedSniffer(LoadedSnifferOptions options);
  ~LoadedSniffer() override;

  // As the capturing thread would.
  void OnFrame(const InitiationFrame& frame);

  std::string address() const { return "unix:" + options_.folder + "/sniffer.sock"; }
  MemoryDevice& device() { return *device_; }
  bool IsWatched() const { return events_->watchers() > 0; }
  const sniffer::Statistics& statistics() const { return statistics_; }
  std::size_t waiting() const { return pipeline_->waiting(); }

 private:
  void OnEvents(std::span<const sniffer::HandshakeEvent> events) override;
  void MakePeers();
  void MakeServices();
  void ExpireHeld(const std::stop_token& stop);

  const LoadedSnifferOptions options_;
  const sniffer::SnifferOptions defaults_;
  SystemClock clock_;
  sniffer::Statistics statistics_;
  sniffer::InitiationTable initiations_;
  sniffer::HeldInitiations held_;
  sniffer::OwnCopies own_copies_;
  std::optional<sniffer::Completions> completions_;
  std::unique_ptr<MemoryDevice> device_;
  std::unique_ptr<sniffer::PeerManager> peers_;
  sniffer::InterfaceTable interfaces_;
  std::unique_ptr<sniffer::EventsService> events_;
  std::unique_ptr<sniffer::InstallerService> installer_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<sniffer::Pipeline> pipeline_;
  std::jthread expiring_;
};

}  // namespace jitwg::bench
