// The WireGuard interfaces this sniffer serves, with their keys and ports as last read. Follows
// deletion, recreation, new keys and new ports; decides nothing about peers.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/noise/initiation.h"
#include "sniffer/install/peer_manager.h"
#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

// What the unwrapping threads need of one interface; immutable.
struct ServedKey {
  ServedKey(std::uint32_t serial_number, std::string name, std::uint16_t port,
            const PrivateKey& key, PeerManager& peer_manager)
      : serial(serial_number),
        interface(std::move(name)),
        listen_port(port),
        responder(key),
        peers(peer_manager) {}

  std::uint32_t serial;  // another one whenever interface, key or port changed
  std::string interface;
  std::uint16_t listen_port;
  noise::Responder responder;
  PeerManager& peers;
};

using ServedKeys = std::vector<std::shared_ptr<const ServedKey>>;

struct InterfaceState {
  std::string name;
  bool present = false;
  std::string problem;   // why it is not served; empty when it is
  PublicKey public_key;  // as last known
  std::uint16_t listen_port = 0;
  std::uint64_t generation = 0;
};

// Thread-safe. Interfaces are added before any other thread runs.
class InterfaceTable {
 public:
  // Reads the interface for the first time and refuses what can never work: kNotFound,
  // kInvalidArgument (another type), kPermissionDenied. `device` and `peers` must outlive the
  // table.
  Status Add(const std::string& name, WireGuardDevice& device, PeerManager& peers);

  // Reads every interface again. True when a key or port is not what it was: the capture filter
  // must follow. Logs each transition once.
  bool Refresh();

  // The keys to try; a shared, immutable list.
  std::shared_ptr<const ServedKeys> Keys() const;
  // Sorted, without duplicates.
  std::vector<std::uint16_t> Ports() const;
  std::vector<InterfaceState> States() const;
  // nullptr: not served here.
  PeerManager* FindPeers(const std::string& name) const;
  std::string_view Backend(const std::string& name) const;

 private:
  struct Entry {
    WireGuardDevice* device;
    PeerManager* peers;
    unsigned ifindex = 0;
    InterfaceState state;
    std::shared_ptr<const ServedKey> key;
    std::string peers_problem;  // of Refresh's thread alone
  };

  static void LearnPeers(Entry& entry, const DeviceInfo& info);
  static bool IsSame(const Entry& entry, const DeviceInfo& info);
  // True when the entry's key or port changed.
  bool Update(Entry& entry, Result<DeviceInfo> info);
  void PublishKeys();

  std::mutex refresh_mutex_;  // one Refresh at a time
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::uint32_t next_serial_ = 1;
  std::shared_ptr<const ServedKeys> keys_ = std::make_shared<const ServedKeys>();
};

}  // namespace jitwg::sniffer
