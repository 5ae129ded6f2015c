// The kernel's WireGuard over generic netlink (libmnl). Policy-free; what may be changed is the
// guard's business.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

// Works on the network namespace of the calling thread. Each call has its own socket, so calls do
// not wait for each other here (the kernel serialises changes under rtnl). GetDevice reads only the
// first message of the dump.
class NetlinkDevice final : public WireGuardDevice {
 public:
  std::string_view backend() const override { return "kernel"; }
  Result<DeviceInfo> GetDevice(const std::string& name) override;
  Result<PeerDump> DumpPeers(const std::string& name) override;
  Result<std::vector<Status>> Apply(const std::string& name,
                                    std::span<const PeerChange> changes) override;

 private:
  // The id is asked for once; Forget makes the next call ask again (the module was reloaded).
  Result<std::uint16_t> Family(const std::string& name);
  void ForgetFamily() { family_ = 0; }
  std::uint32_t NextSequence() { return ++sequence_; }

  std::atomic<std::uint16_t> family_{0};
  std::atomic<std::uint32_t> sequence_{0};
};

}  // namespace jitwg::sniffer
