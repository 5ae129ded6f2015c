// FakeKernel: WireGuard interfaces in memory, with the kernel's quirks and hooks for tests. Passes
// the same contract suite as the real implementations.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/key.h"
#include "sniffer/install/batch_apply.h"
#include "sniffer/install/wireguard_device.h"

namespace jitwg::testing {

// The quirks: an allowed IP given to one peer is silently taken from another; the interface's own
// key as a peer is silently ignored; an update or removal of a missing peer is silently nothing; a
// message that fails halfway leaves what came before, and a failed creation leaves the peer without
// its addresses; a key change removes the peer that has the new key. Thread-safe; the hook of
// OnApply runs without the lock.
class FakeKernel final : public sniffer::WireGuardDevice {
 public:
  std::string_view backend() const override { return "fake"; }
  Result<sniffer::DeviceInfo> GetDevice(const std::string& name) override;
  Result<sniffer::PeerDump> DumpPeers(const std::string& name) override;
  Result<std::vector<Status>> Apply(const sniffer::DeviceTarget& target,
                                    std::span<const sniffer::PeerChange> changes) override;
  Status Configure(const std::string& name, const sniffer::DeviceSettings& settings) override;

  // Interfaces. Adding one that exists replaces it: no peers, a new index. Each is up.
  sniffer::DeviceInfo AddInterface(const std::string& name, const PrivateKey& key,
                                   std::uint16_t port = 51820);
  // One that is not WireGuard.
  void AddOtherInterface(const std::string& name);
  void RemoveInterface(const std::string& name);
  void SetPrivateKey(const std::string& name, const PrivateKey& key);
  void SetListenPort(const std::string& name, std::uint16_t port);

  // What others do to peers, as `wg set` would.
  void AddForeignPeer(const std::string& name, const sniffer::KernelPeer& peer);
  void RemoveBehindOurBack(const std::string& name, const PublicKey& key);
  void CompleteHandshake(const std::string& name, const PublicKey& key, WallTime when);
  void SetTraffic(const std::string& name, const PublicKey& key, std::uint64_t rx_bytes,
                  std::uint64_t tx_bytes);

  // What is there.
  std::optional<sniffer::KernelPeer> Peer(const std::string& name, const PublicKey& key) const;
  std::size_t peer_count(const std::string& name) const;
  // Base64 of the peer's preshared key, empty for none.
  std::string PresharedKeyOf(const std::string& name, const PublicKey& key) const;
  // Handshakes that the interface itself started with this peer because of a keepalive.
  std::uint64_t Initiations(const std::string& name, const PublicKey& key) const;
  // Messages with changes, and changes in them, that reached the "kernel".
  std::uint64_t messages() const;
  std::uint64_t changes() const;

  // Faults. The n-th change from now on (1 = the next) fails with this errno after the peer was
  // created.
  void FailNthChange(std::uint64_t n, int errno_value);
  // Every change of this key fails until ClearFaults.
  void FailKey(const PublicKey& key, int errno_value);
  // Every call of any kind fails until ClearFaults.
  void FailEverything(int errno_value);
  void ClearFaults();
  void SetDumpInterrupted(bool interrupted);
  // Dumps tell so many of a peer's allowed IPs at most.
  void CutOffAddressesInDumps(std::size_t most);
  // Called before each message with changes, and between reading the peers and returning them in a
  // dump: the place for a test to let something happen "meanwhile".
  void OnApply(std::function<void()> hook);
  void OnDump(std::function<void()> hook);

 private:
  struct StoredPeer {
    sniffer::KernelPeer peer;
    std::array<std::uint8_t, kKeySize> preshared_key{};
    std::uint64_t initiations = 0;
  };
  struct Interface {
    bool wireguard = true;
    unsigned ifindex = 0;
    PrivateKey private_key;
    PublicKey public_key;
    std::uint16_t listen_port = 0;
    std::map<PublicKey, StoredPeer> peers;
  };

  Result<Interface*> Find(const std::string& name);
  const StoredPeer* FindPeer(const std::string& name, const PublicKey& key) const;
  sniffer::SendOutcome Send(const sniffer::DeviceTarget& target,
                            std::span<const sniffer::PeerChange> batch);
  int ApplyOne(Interface& interface, const sniffer::PeerChange& change);
  int FaultFor(const PublicKey& key);
  static void Settle(Interface& interface, StoredPeer& stored, const sniffer::PeerChange& change);
  static void TakeAddresses(Interface& interface, const PublicKey& winner,
                            std::span<const IpPrefix> prefixes);

  mutable std::mutex mutex_;
  std::map<std::string, Interface> interfaces_;
  unsigned next_ifindex_ = 10;
  std::uint64_t messages_ = 0;
  std::uint64_t changes_ = 0;
  std::uint64_t fail_at_ = 0;
  int fail_errno_ = 0;
  int fail_everything_ = 0;
  std::map<PublicKey, int> fail_keys_;
  bool interrupted_ = false;
  std::size_t most_dumped_addresses_ = SIZE_MAX;
  std::function<void()> on_apply_;
  std::function<void()> on_dump_;
};

}  // namespace jitwg::testing
