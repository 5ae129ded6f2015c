// What is known of an interface's peers: which are our own with which settings, which are foreign,
// who holds which address. Pure state under somebody else's lock; it reconciles itself with dumps
// that ran while it changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/tai64n.h"
#include "sniffer/install/guard.h"
#include "sniffer/install/last_endpoints.h"
#include "sniffer/install/prefix_index.h"
#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

// The settings that an installation sets, comparable. A preshared key is kept as a seeded hash
// only.
struct PeerSettings {
  std::vector<IpPrefix> allowed_ips;  // sorted, each once
  std::uint16_t persistent_keepalive = 0;
  std::uint64_t preshared_key_hash = 0;  // 0: none

  static PeerSettings Of(std::span<const IpPrefix> allowed_ips, std::uint16_t keepalive,
                         const std::optional<PresharedKey>& preshared_key);
  bool operator==(const PeerSettings&) const = default;
};

struct OwnPeer {
  std::optional<PeerSettings> settings;  // unset: not sure, the next installation sets all
  std::vector<IpPrefix> held;            // the addresses that it holds in the index
  SteadyTime installed_at;
  std::optional<Tai64n> newest_timestamp;
  // Where WireGuard had it in the last dump, once a handshake had been completed.
  std::optional<Endpoint> endpoint;
  std::uint64_t changed = 0;  // PeerTable's change counter at its last change
  bool doubtful =
      false;  // nobody knows whether the kernel has it: create it again rather than update
};

// Not thread-safe.
class PeerTable {
 public:
  // The endpoints of so many own peers are remembered when they go.
  explicit PeerTable(std::size_t remembered_endpoints = 0) : endpoints_(remembered_endpoints) {}

  Standing StandingOf(const PublicKey& key) const;
  // Own or foreign, and nobody doubts that the kernel has it.
  bool SurelyThere(const PublicKey& key) const;
  OwnPeer* FindOwn(const PublicKey& key);
  const PrefixIndex& index() const { return index_; }
  const LastEndpoints& endpoints() const { return endpoints_; }
  std::size_t own_count() const { return own_.size(); }
  std::size_t foreign_count() const { return foreign_.size(); }
  std::vector<PublicKey> OwnKeys() const;
  void Clear();

  // An installation in three steps: Begin reserves the addresses beside those held already, Finish
  // keeps what was asked for, and Fail goes back: a new peer is forgotten, an old one has unknown
  // settings until the next dump.
  void BeginInstall(const PublicKey& key, const PeerSettings& settings, SteadyTime now);
  void FinishInstall(const PublicKey& key, PeerSettings settings);
  void FailInstall(const PublicKey& key, const PeerSettings& wanted, bool was_new);
  // Nobody knows whether it was installed: it stays our own until a dump tells.
  void DoubtInstall(const PublicKey& key, const PeerSettings& wanted);
  // Takes back an own peer from the journal of an earlier run.
  void Adopt(const PublicKey& key, SteadyTime installed_at);

  void FinishRemove(const PublicKey& key);

  void NoteTimestamp(const PublicKey& key, const Tai64n& timestamp);

  // One dump at a time. What was finished between BeginDump and MergeDump is newer than the dump
  // and wins.
  void BeginDump();
  // Not between BeginInstall and its end. Learns foreign peers and what others did to ours. Only a
  // dump that was not interrupted tells who, and which address, is gone: the kernel ends an
  // interrupted one early, and may cut off a peer's last addresses (wg_get_device_dump,
  // drivers/net/wireguard/netlink.c).
  // Returns the own peers that somebody else removed.
  std::vector<PublicKey> MergeDump(const PeerDump& dump);
  // During MergeDump's dump: we removed it meanwhile, the dump is out of date.
  bool RemovedMeanwhile(const PublicKey& key) const { return removed_meanwhile_.count(key) != 0; }
  // After MergeDump and any RemovedMeanwhile, or without them when the dump failed.
  void EndDump();

 private:
  using Keys = std::unordered_map<PublicKey, std::uint64_t, PublicKeyHash>;
  struct ForeignPeer {
    std::vector<IpPrefix> held;
    std::uint64_t seen = 0;
  };

  bool NewerThanDump(const OwnPeer& own) const { return own.changed > dump_began_; }
  void Touch(OwnPeer& own) { own.changed = ++counter_; }
  void Forget(const PublicKey& key);
  void MergeOwn(OwnPeer& own, const KernelPeer& kernel, bool interrupted);
  void MergeForeign(const KernelPeer& kernel, bool interrupted);

  std::unordered_map<PublicKey, OwnPeer, PublicKeyHash> own_;
  std::unordered_map<PublicKey, ForeignPeer, PublicKeyHash> foreign_;
  PrefixIndex index_;
  LastEndpoints endpoints_;
  std::uint64_t counter_ = 0;
  std::uint64_t dump_began_ = 0;
  std::uint64_t dump_number_ = 0;
  bool dumping_ = false;
  Keys removed_meanwhile_;  // only filled while dumping
};

}  // namespace jitwg::sniffer
