#include "sniffer/interface_table.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace jitwg::sniffer {
namespace {

// How old the guard's knowledge of hand-made peers may be when nobody asks for lists.
constexpr std::chrono::seconds kPeersMaxAge{10};
constexpr const char* kNoKey = "it has no private key; set one with `wg set`";
constexpr const char* kNoPort = "it has no listen port; set one with `wg set`, or bring it up";

std::string ProblemOf(const Result<DeviceInfo>& info) {
  if (!info) return info.error().message;
  if (info->private_key.IsZero()) return kNoKey;
  if (info->listen_port == 0) return kNoPort;
  return {};
}

// Not that the interface is gone, of another type or closed to us.
bool IsPassing(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadlineExceeded ||
         error.code == ErrorCode::kResourceExhausted || error.code == ErrorCode::kInternal;
}

}  // namespace

Status InterfaceTable::Add(const std::string& name, WireGuardDevice& device, PeerManager& peers) {
  auto info = device.GetDevice(name);
  if (!info) return info.error();
  Entry entry{&device, &peers, 0, {}, nullptr, {}};
  entry.state.name = name;
  const std::lock_guard lock(mutex_);
  entries_.push_back(std::move(entry));
  Update(entries_.back(), std::move(info));
  PublishKeys();
  return {};
}

bool InterfaceTable::Refresh() {
  const std::lock_guard refresh_lock(refresh_mutex_);
  bool changed = false;
  for (Entry& entry : entries_) {
    // These may block, so not under mutex_. Entries are changed by this function alone.
    auto info = entry.device->GetDevice(entry.state.name);
    if (info) LearnPeers(entry, *info);
    const std::lock_guard lock(mutex_);
    if (Update(entry, std::move(info))) {
      PublishKeys();
      changed = true;
    }
  }
  return changed;
}

void InterfaceTable::LearnPeers(Entry& entry, const DeviceInfo& info) {
  Status learned = entry.peers->OnDeviceChanged(info);
  if (learned) learned = entry.peers->RefreshIfOlderThan(kPeersMaxAge);
  const std::string problem = learned ? std::string() : learned.error().message;
  if (problem == entry.peers_problem) return;
  entry.peers_problem = problem;
  if (!problem.empty()) {
    spdlog::warn("peers_not_read interface={} error=\"{}\"", entry.state.name, problem);
  }
}

bool InterfaceTable::Update(Entry& entry, Result<DeviceInfo> info) {
  InterfaceState& state = entry.state;
  const std::string problem = ProblemOf(info);
  if (!info && entry.key != nullptr && IsPassing(info.error())) {
    // A busy machine is no reason to stop serving: the key is the one read last.
    if (problem != state.problem) {
      spdlog::warn("interface_not_read interface={} problem=\"{}\"", state.name, problem);
    }
    state.problem = problem;
    return false;
  }
  if (problem != state.problem) {
    if (!problem.empty()) {
      spdlog::warn("interface_lost interface={} problem=\"{}\"", state.name, problem);
    }
    state.problem = problem;
  }
  state.present = info.has_value();
  if (!problem.empty()) {
    if (!info) entry.ifindex = 0;
    return std::exchange(entry.key, nullptr) != nullptr;
  }
  if (IsSame(entry, *info)) return false;
  entry.ifindex = info->ifindex;
  state.public_key = info->public_key;
  state.listen_port = info->listen_port;
  ++state.generation;
  entry.key = std::make_shared<const ServedKey>(next_serial_++, state.name, info->listen_port,
                                                info->private_key, *entry.peers);
  spdlog::info("interface_served interface={} public_key={} port={} backend={} generation={}",
               state.name, state.public_key.ToBase64(), state.listen_port, entry.device->backend(),
               state.generation);
  return true;
}

bool InterfaceTable::IsSame(const Entry& entry, const DeviceInfo& info) {
  return entry.key != nullptr && entry.ifindex == info.ifindex &&
         entry.state.public_key == info.public_key && entry.state.listen_port == info.listen_port;
}

void InterfaceTable::PublishKeys() {
  auto keys = std::make_shared<ServedKeys>();
  for (const Entry& entry : entries_) {
    if (entry.key != nullptr) keys->push_back(entry.key);
  }
  keys_ = std::move(keys);
}

std::shared_ptr<const ServedKeys> InterfaceTable::Keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

std::vector<std::uint16_t> InterfaceTable::Ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& key : *Keys()) ports.push_back(key->listen_port);
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

std::vector<InterfaceState> InterfaceTable::States() const {
  const std::lock_guard lock(mutex_);
  std::vector<InterfaceState> states;
  for (const Entry& entry : entries_) states.push_back(entry.state);
  return states;
}

PeerManager* InterfaceTable::FindPeers(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.state.name == name) return entry.peers;
  }
  return nullptr;
}

std::string_view InterfaceTable::Backend(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.state.name == name) return entry.device->backend();
  }
  return {};
}

}  // namespace jitwg::sniffer
