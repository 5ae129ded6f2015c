// One life of a sniffer: its shipped parts from the captured packet to the installed peer, put
// together as sniffer/daemon.cc does, without gRPC, libpcap and netlink.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/fan_out.h"
#include "sniffer/completion/completions.h"
#include "sniffer/event.h"
#include "sniffer/follower.h"
#include "sniffer/installer_service.h"
#include "sniffer/pipeline.h"
#include "tests/simulation/kernel_device.h"
#include "tests/simulation/world.h"

namespace jitwg::simulation {

// What the event stream carries.
struct StreamItem {
  bool is_beat = false;
  sniffer::HandshakeEvent event;
};
using EventHub = FanOut<StreamItem>;

class SnifferProcess final : public sniffer::EventSink, public sniffer::PacketSource {
 public:
  static constexpr std::size_t kQueue = 64;
  static constexpr std::size_t kHeld = 16;

  SnifferProcess(World& world, ProcessId process);
  ~SnifferProcess() override;

  // Opens and starts everything, on a thread of the process; false: it ends at once, as the daemon
  // would.
  bool Start();
  bool serves() const { return serves_; }
  ProcessId process() const { return process_; }
  std::uint64_t instance() const { return process_; }

  // The network: a frame came in.
  void Capture(std::vector<std::uint8_t> frame, std::shared_ptr<sniffer::PacketLease> lease);
  void Nudge() {
    if (follower_) follower_->Nudge();
  }
  EventHub& hub() { return hub_; }
  sniffer::InstallerService& installer() { return *installer_; }
  sniffer::PeerManager& peers() { return *peers_; }

  std::size_t waiting() const { return pipeline_ == nullptr ? 0 : pipeline_->waiting(); }
  std::size_t held() const { return held_.counts().held; }

 private:
  struct Frame {
    std::vector<std::uint8_t> bytes;
    std::shared_ptr<sniffer::PacketLease> lease;
  };

  void OnEvents(std::span<const sniffer::HandshakeEvent> events) override;

  std::string_view name() const override { return "simulated"; }
  Status Run(const Handler& handler, std::stop_token stop) override;
  Status SetPorts(std::span<const std::uint16_t> ports) override;
  sniffer::PacketSourceStats GetStats() override { return {}; }
  void KeepTime();

  World& world_;
  const ProcessId process_;
  bool serves_ = false;
  KernelDevice device_;
  sniffer::Statistics statistics_;
  sniffer::InitiationTable initiations_{64};
  sniffer::HeldInitiations held_;
  sniffer::OwnCopies own_copies_;
  std::optional<sniffer::Completions> completions_;
  std::unique_ptr<sniffer::PeerManager> peers_;
  sniffer::InterfaceTable interfaces_;
  EventHub hub_;
  std::unique_ptr<sniffer::InstallerService> installer_;
  std::unique_ptr<sniffer::Pipeline> pipeline_;
  std::unique_ptr<sniffer::Follower> follower_;
  std::vector<std::uint16_t> ports_;
  std::deque<Frame> frames_;
};

}  // namespace jitwg::simulation
