// The sniffer's way to the simulated kernel: the fake of the unit tests, slow and faulty, and
// watched: what must never be done to a peer is noticed here, just before it is done.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sniffer/install/wireguard_device.h"
#include "tests/simulation/world.h"

namespace jitwg::simulation {

class KernelDevice final : public sniffer::WireGuardDevice {
 public:
  explicit KernelDevice(World& world) : world_(world) {}

  std::string_view backend() const override { return "simulated"; }
  Result<sniffer::DeviceInfo> GetDevice(const std::string& name) override;
  Result<sniffer::PeerDump> DumpPeers(const std::string& name) override;
  Result<std::vector<Status>> Apply(const sniffer::DeviceTarget& target,
                                    std::span<const sniffer::PeerChange> changes) override;
  Status Configure(const std::string& name, const sniffer::DeviceSettings& settings) override;

 private:
  void Delay();
  Result<std::vector<Status>> ApplyNow(const sniffer::DeviceTarget& target,
                                       std::span<const sniffer::PeerChange> changes);
  void NoteChange(const sniffer::PeerChange& change, bool was_there);

  World& world_;
};

}  // namespace jitwg::simulation
