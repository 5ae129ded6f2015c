// A WireGuard interface in memory for benchmarks: takes every peer at once and keeps just enough of
// it to be listed. Finds nothing by scanning, so that it costs the same at any number of peers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "sniffer/install/wireguard_device.h"

namespace jitwg::bench {

// Thread-safe. Every peer counts as having completed its handshake when it was installed.
class MemoryDevice final : public sniffer::WireGuardDevice {
 public:
  // Called around each message with changes, holding no lock.
  using Hook = std::function<void()>;

  MemoryDevice(std::string name, const PrivateKey& key, std::uint16_t port);
  void SetHooks(Hook before_apply, Hook after_apply);
  std::size_t peer_count() const;
  bool Has(const PublicKey& key) const;

  std::string_view backend() const override { return "memory"; }
  Result<sniffer::DeviceInfo> GetDevice(const std::string& name) override;
  Result<sniffer::PeerDump> DumpPeers(const std::string& name) override;
  Result<std::vector<Status>> Apply(const sniffer::DeviceTarget& target,
                                    std::span<const sniffer::PeerChange> changes) override;
  Status Configure(const std::string& name, const sniffer::DeviceSettings& settings) override;

 private:
  struct Stored {
    std::vector<IpPrefix> allowed_ips;
    WallTime since;
  };

  const std::string name_;
  const PrivateKey key_;
  const PublicKey public_key_;
  const std::uint16_t port_;
  Hook before_apply_ = [] {};
  Hook after_apply_ = [] {};
  mutable std::mutex mutex_;
  std::unordered_map<PublicKey, Stored, PublicKeyHash> peers_;
};

}  // namespace jitwg::bench
