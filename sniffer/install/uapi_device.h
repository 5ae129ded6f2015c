// Userspace WireGuard (wireguard-go and others) over its UAPI socket. Policy-free; what may be
// changed is the guard's business.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

inline constexpr std::string_view kUapiDirectory = "/var/run/wireguard";

// The socket of interface NAME is DIRECTORY/NAME.sock. One connection for each call; the calls need
// no lock here. An interface that exists without a live socket is "of another type". GetDevice's
// cost grows with the number of peers, because the other side writes them all.
class UapiDevice final : public WireGuardDevice {
 public:
  explicit UapiDevice(std::string directory = std::string(kUapiDirectory))
      : directory_(std::move(directory)) {}

  std::string_view backend() const override { return "userspace"; }
  Result<DeviceInfo> GetDevice(const std::string& name) override;
  Result<PeerDump> DumpPeers(const std::string& name) override;
  Result<std::vector<Status>> Apply(const DeviceTarget& target,
                                    std::span<const PeerChange> changes) override;
  Status Configure(const std::string& name, const DeviceSettings& settings) override;

  // Somebody listens at the socket of this name.
  bool IsAlive(const std::string& name) const;

 private:
  std::string directory_;
};

}  // namespace jitwg::sniffer
