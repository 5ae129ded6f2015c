// The kernel's WireGuard over generic netlink (libmnl). Policy-free; what may be changed is the
// guard's business.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

// Works on the network namespace of the thread that makes the first change. Calls do not wait for
// each other here (the kernel serialises changes under rtnl): each has its own socket, and one is
// kept for the next change. GetDevice reads only the first message of the dump.
class NetlinkDevice final : public WireGuardDevice {
 public:
  NetlinkDevice();
  ~NetlinkDevice() override;
  std::string_view backend() const override { return "kernel"; }
  Result<DeviceInfo> GetDevice(const std::string& name) override;
  Result<PeerDump> DumpPeers(const std::string& name) override;
  Result<std::vector<Status>> Apply(const DeviceTarget& target,
                                    std::span<const PeerChange> changes) override;
  Status Configure(const std::string& name, const DeviceSettings& settings) override;

 private:
  struct Line;  // a socket and the buffer of its messages

  // The line that is kept, if nobody uses it, else a new one; and back again.
  Result<std::unique_ptr<Line>> TakeLine();
  void KeepLine(std::unique_ptr<Line> line);
  // The id is asked for once; Forget makes the next call ask again (the module was reloaded).
  Result<std::uint16_t> Family(const std::string& name);
  void ForgetFamily() { family_ = 0; }
  std::uint32_t NextSequence() { return ++sequence_; }

  std::mutex line_mutex_;
  std::unique_ptr<Line> line_;  // guarded by line_mutex_; null while it is in use
  std::atomic<std::uint16_t> family_{0};
  std::atomic<std::uint32_t> sequence_{0};
};

}  // namespace jitwg::sniffer
