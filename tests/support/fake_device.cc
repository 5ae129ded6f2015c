// See fake_device.h.
#include "tests/support/fake_device.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sniffer/install/device_error.h"
#include "sniffer/install/limits.h"

namespace jitwg::testing {

using sniffer::DeviceInfo;
using sniffer::KernelPeer;
using sniffer::PeerChange;
using sniffer::PeerDump;
using sniffer::SendOutcome;

Result<FakeKernel::Interface*> FakeKernel::Find(const std::string& name) {
  if (const Status valid = sniffer::CheckInterfaceName(name); !valid) return valid.error();
  if (fail_everything_ != 0) return sniffer::DeviceError(name, fail_everything_);
  const auto found = interfaces_.find(name);
  if (found == interfaces_.end()) return sniffer::DeviceError(name, ENODEV);
  if (!found->second.wireguard) return sniffer::DeviceError(name, EOPNOTSUPP);
  return &found->second;
}

Result<DeviceInfo> FakeKernel::GetDevice(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto interface = Find(name);
  if (!interface) return interface.error();
  const Interface& found = **interface;
  return DeviceInfo{name, found.ifindex, found.private_key.Clone(), found.public_key,
                    found.listen_port};
}

Result<PeerDump> FakeKernel::DumpPeers(const std::string& name) {
  PeerDump dump;
  std::function<void()> hook;
  {
    const std::lock_guard lock(mutex_);
    const auto interface = Find(name);
    if (!interface) return interface.error();
    for (const auto& [key, stored] : (*interface)->peers) {
      dump.peers.push_back(stored.peer);
      auto& addresses = dump.peers.back().allowed_ips;
      if (addresses.size() > most_dumped_addresses_) addresses.resize(most_dumped_addresses_);
    }
    dump.interrupted = interrupted_;
    hook = on_dump_;
  }
  if (hook) hook();
  return dump;
}

Result<std::vector<Status>> FakeKernel::Apply(const sniffer::DeviceTarget& target,
                                              std::span<const PeerChange> changes) {
  return sniffer::ApplyInBatches(
      changes, {[](std::span<const PeerChange> rest) { return rest.size(); },
                [&](std::span<const PeerChange> batch) { return Send(target, batch); }});
}

Status FakeKernel::Configure(const std::string& name, const sniffer::DeviceSettings& settings) {
  {
    const std::lock_guard lock(mutex_);
    const auto interface = Find(name);
    if (!interface) return interface.error();
  }
  SetPrivateKey(name, settings.private_key);
  SetListenPort(name, settings.listen_port);
  return {};
}

SendOutcome FakeKernel::Send(const sniffer::DeviceTarget& target,
                             std::span<const PeerChange> batch) {
  std::function<void()> hook;
  {
    const std::lock_guard lock(mutex_);
    hook = on_apply_;
  }
  if (hook) hook();
  const std::lock_guard lock(mutex_);
  const auto interface = Find(target.name);
  if (!interface) return {interface.error(), true};
  if (target.ifindex != 0 && (*interface)->ifindex != target.ifindex) {
    return {sniffer::DeviceGoneError(target.name), true};
  }
  ++messages_;
  for (const PeerChange& change : batch) {
    ++changes_;
    if (const int error = ApplyOne(**interface, change); error != 0) {
      return {sniffer::DeviceError(target.name, error), sniffer::ConcernsWholeDevice(error)};
    }
  }
  return {};
}

int FakeKernel::FaultFor(const PublicKey& key) {
  if (fail_at_ != 0 && --fail_at_ == 0) return fail_errno_;
  const auto fault = fail_keys_.find(key);
  return fault == fail_keys_.end() ? 0 : fault->second;
}

int FakeKernel::ApplyOne(Interface& interface, const PeerChange& change) {
  if (change.kind == PeerChange::Kind::kRemove) {
    interface.peers.erase(change.public_key);
    return 0;
  }
  const int fault = FaultFor(change.public_key);
  if (change.public_key == interface.public_key) return fault;
  auto found = interface.peers.find(change.public_key);
  if (found == interface.peers.end()) {
    if (change.kind == PeerChange::Kind::kUpdate) return fault;
    found = interface.peers.try_emplace(change.public_key).first;
    found->second.peer.public_key = change.public_key;
  }
  if (fault != 0) return fault;
  Settle(interface, found->second, change);
  return 0;
}

void FakeKernel::Settle(Interface& interface, StoredPeer& stored, const PeerChange& change) {
  KernelPeer& peer = stored.peer;
  stored.preshared_key.fill(0);
  if (change.preshared_key) {
    std::copy(change.preshared_key->bytes().begin(), change.preshared_key->bytes().end(),
              stored.preshared_key.begin());
  }
  peer.has_preshared_key = change.preshared_key && !change.preshared_key->IsZero();
  if (change.endpoint) peer.endpoint = change.endpoint;
  TakeAddresses(interface, change.public_key, change.allowed_ips);
  peer.allowed_ips = change.allowed_ips;
  const auto first_interval = change.kick ? std::uint16_t{1} : change.persistent_keepalive;
  // From 0 to something sends at once, which without a session starts a handshake if an endpoint is
  // known.
  if (peer.persistent_keepalive == 0 && first_interval != 0 && peer.endpoint &&
      !interface.private_key.IsZero()) {
    ++stored.initiations;
  }
  peer.persistent_keepalive = change.persistent_keepalive;
}

void FakeKernel::TakeAddresses(Interface& interface, const PublicKey& winner,
                               std::span<const IpPrefix> prefixes) {
  for (auto& [key, stored] : interface.peers) {
    if (key == winner) continue;
    std::erase_if(stored.peer.allowed_ips, [&](const IpPrefix& mine) {
      return std::find(prefixes.begin(), prefixes.end(), mine) != prefixes.end();
    });
  }
}

DeviceInfo FakeKernel::AddInterface(const std::string& name, const PrivateKey& key,
                                    std::uint16_t port) {
  {
    const std::lock_guard lock(mutex_);
    Interface& interface = interfaces_[name] = Interface{};
    interface.ifindex = next_ifindex_++;
    interface.private_key = key.Clone();
    interface.public_key = key.IsZero() ? PublicKey{} : DerivePublicKey(key);
    interface.listen_port = port;
  }
  return std::move(*GetDevice(name));
}

void FakeKernel::AddOtherInterface(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Interface& interface = interfaces_[name] = Interface{};
  interface.wireguard = false;
  interface.ifindex = next_ifindex_++;
}

void FakeKernel::RemoveInterface(const std::string& name) {
  const std::lock_guard lock(mutex_);
  interfaces_.erase(name);
}

void FakeKernel::SetPrivateKey(const std::string& name, const PrivateKey& key) {
  const std::lock_guard lock(mutex_);
  Interface& interface = interfaces_.at(name);
  interface.private_key = key.Clone();
  interface.public_key = key.IsZero() ? PublicKey{} : DerivePublicKey(key);
  interface.peers.erase(interface.public_key);
}

void FakeKernel::SetListenPort(const std::string& name, std::uint16_t port) {
  const std::lock_guard lock(mutex_);
  interfaces_.at(name).listen_port = port;
}

void FakeKernel::AddForeignPeer(const std::string& name, const KernelPeer& peer) {
  const std::lock_guard lock(mutex_);
  Interface& interface = interfaces_.at(name);
  TakeAddresses(interface, peer.public_key, peer.allowed_ips);
  interface.peers[peer.public_key].peer = peer;
}

void FakeKernel::RemoveBehindOurBack(const std::string& name, const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  interfaces_.at(name).peers.erase(key);
}

void FakeKernel::CompleteHandshake(const std::string& name, const PublicKey& key, WallTime when) {
  const std::lock_guard lock(mutex_);
  interfaces_.at(name).peers.at(key).peer.last_handshake = when;
}

void FakeKernel::SetTraffic(const std::string& name, const PublicKey& key, std::uint64_t rx_bytes,
                            std::uint64_t tx_bytes) {
  const std::lock_guard lock(mutex_);
  KernelPeer& peer = interfaces_.at(name).peers.at(key).peer;
  peer.rx_bytes = rx_bytes;
  peer.tx_bytes = tx_bytes;
}

const FakeKernel::StoredPeer* FakeKernel::FindPeer(const std::string& name,
                                                   const PublicKey& key) const {
  const auto interface = interfaces_.find(name);
  if (interface == interfaces_.end()) return nullptr;
  const auto peer = interface->second.peers.find(key);
  return peer == interface->second.peers.end() ? nullptr : &peer->second;
}

std::optional<KernelPeer> FakeKernel::Peer(const std::string& name, const PublicKey& key) const {
  const std::lock_guard lock(mutex_);
  const StoredPeer* stored = FindPeer(name, key);
  if (stored == nullptr) return std::nullopt;
  return stored->peer;
}

std::size_t FakeKernel::peer_count(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto interface = interfaces_.find(name);
  return interface == interfaces_.end() ? 0 : interface->second.peers.size();
}

std::string FakeKernel::PresharedKeyOf(const std::string& name, const PublicKey& key) const {
  const std::lock_guard lock(mutex_);
  const StoredPeer* stored = FindPeer(name, key);
  if (stored == nullptr || !stored->peer.has_preshared_key) return "";
  return SecretToBase64(PresharedKey::CopyOf(stored->preshared_key));
}

std::uint64_t FakeKernel::Initiations(const std::string& name, const PublicKey& key) const {
  const std::lock_guard lock(mutex_);
  const StoredPeer* stored = FindPeer(name, key);
  return stored == nullptr ? 0 : stored->initiations;
}

std::uint64_t FakeKernel::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

std::uint64_t FakeKernel::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

void FakeKernel::FailNthChange(std::uint64_t n, int errno_value) {
  const std::lock_guard lock(mutex_);
  fail_at_ = n;
  fail_errno_ = errno_value;
}

void FakeKernel::FailKey(const PublicKey& key, int errno_value) {
  const std::lock_guard lock(mutex_);
  fail_keys_[key] = errno_value;
}

void FakeKernel::FailEverything(int errno_value) {
  const std::lock_guard lock(mutex_);
  fail_everything_ = errno_value;
}

void FakeKernel::ClearFaults() {
  const std::lock_guard lock(mutex_);
  fail_at_ = 0;
  fail_everything_ = 0;
  fail_keys_.clear();
}

void FakeKernel::SetDumpInterrupted(bool interrupted) {
  const std::lock_guard lock(mutex_);
  interrupted_ = interrupted;
}

void FakeKernel::CutOffAddressesInDumps(std::size_t most) {
  const std::lock_guard lock(mutex_);
  most_dumped_addresses_ = most;
}

void FakeKernel::OnApply(std::function<void()> hook) {
  const std::lock_guard lock(mutex_);
  on_apply_ = std::move(hook);
}

void FakeKernel::OnDump(std::function<void()> hook) {
  const std::lock_guard lock(mutex_);
  on_dump_ = std::move(hook);
}

}  // namespace jitwg::testing
