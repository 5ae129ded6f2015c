#include "tests/bench/memory_device.h"

#include <chrono>
#include <utility>

namespace jitwg::bench {

MemoryDevice::MemoryDevice(std::string name, const PrivateKey& key, std::uint16_t port)
    : name_(std::move(name)), key_(key.Clone()), public_key_(DerivePublicKey(key)), port_(port) {}

void MemoryDevice::SetHooks(Hook before_apply, Hook after_apply) {
  before_apply_ = std::move(before_apply);
  after_apply_ = std::move(after_apply);
}

std::size_t MemoryDevice::peer_count() const {
  const std::lock_guard lock(mutex_);
  return peers_.size();
}

bool MemoryDevice::Has(const PublicKey& key) const {
  const std::lock_guard lock(mutex_);
  return peers_.count(key) != 0;
}

Result<sniffer::DeviceInfo> MemoryDevice::GetDevice(const std::string& name) {
  if (name != name_) return Error{ErrorCode::kNotFound, "no such interface"};
  sniffer::DeviceInfo info;
  info.name = name_;
  info.ifindex = 7;
  info.private_key = key_.Clone();
  info.public_key = public_key_;
  info.listen_port = port_;
  return info;
}

Result<sniffer::PeerDump> MemoryDevice::DumpPeers(const std::string& name) {
  if (name != name_) return Error{ErrorCode::kNotFound, "no such interface"};
  sniffer::PeerDump dump;
  const std::lock_guard lock(mutex_);
  dump.peers.reserve(peers_.size());
  for (const auto& [key, stored] : peers_) {
    sniffer::KernelPeer peer;
    peer.public_key = key;
    peer.allowed_ips = stored.allowed_ips;
    peer.last_handshake = stored.since;
    dump.peers.push_back(std::move(peer));
  }
  return dump;
}

Result<std::vector<Status>> MemoryDevice::Apply(const sniffer::DeviceTarget& target,
                                                std::span<const sniffer::PeerChange> changes) {
  if (target.name != name_) return Error{ErrorCode::kNotFound, "no such interface"};
  before_apply_();
  {
    const std::lock_guard lock(mutex_);
    const WallTime now = std::chrono::system_clock::now();
    for (const sniffer::PeerChange& change : changes) {
      if (change.kind == sniffer::PeerChange::Kind::kRemove) {
        peers_.erase(change.public_key);
      } else if (change.kind == sniffer::PeerChange::Kind::kCreate ||
                 peers_.count(change.public_key) != 0) {
        peers_[change.public_key] = {change.allowed_ips, now};
      }
    }
  }
  after_apply_();
  return std::vector<Status>(changes.size());
}

Status MemoryDevice::Configure(const std::string&, const sniffer::DeviceSettings&) {
  return Error{ErrorCode::kFailedPrecondition, "this interface is as it is"};
}

}  // namespace jitwg::bench
