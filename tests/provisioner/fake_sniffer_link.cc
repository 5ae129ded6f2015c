#include "tests/provisioner/fake_sniffer_link.h"

#include <utility>

#include "lib/base/net.h"

namespace jitwg::provisioner {

FakeSnifferLink::FakeSnifferLink() {
  InterfaceState wg0;
  wg0.interface = "wg0";
  wg0.present = true;
  wg0.allowed_prefixes = {*IpPrefix::Parse("10.0.0.0/8"), *IpPrefix::Parse("fd00::/8")};
  wg0.max_peers = 100000;
  wg0.generation = 1;
  SetInterface(wg0);
}

FakeSnifferLink::~FakeSnifferLink() { ReleaseInstalls(); }

void FakeSnifferLink::Watch(SnifferListener& listener, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  listener_ = &listener;
  changed_.notify_all();
  changed_.wait(lock, stop, [] { return false; });
  listener_ = nullptr;
}

void FakeSnifferLink::WaitForWatcher() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return listener_ != nullptr; });
}

SnifferListener& FakeSnifferLink::Listener() {
  const std::lock_guard lock(mutex_);
  return *listener_;
}

void FakeSnifferLink::Connect(std::uint64_t instance) { Listener().OnConnected(instance); }
void FakeSnifferLink::Emit(const HandshakeEvent& event) { Listener().OnEvents({event}); }
void FakeSnifferLink::Emit(const OutboundDemand& demand) { Listener().OnDemand(demand); }

void FakeSnifferLink::Disconnect(const Error& why) { Listener().OnDisconnected(why); }

void FakeSnifferLink::Install(const std::string& interface, std::vector<PeerSpec> peers,
                              Completion completion, InstallCallback done) {
  Held held{interface, std::move(peers), std::move(done)};
  {
    const std::lock_guard lock(mutex_);
    InstallCall call{interface, {}, {}, {}, {}, completion};
    for (const PeerSpec& peer : held.peers) {
      call.keys.push_back(peer.public_key);
      call.initiation_ids.push_back(peer.initiation_id);
      call.demand_ids.push_back(peer.demand_id);
      call.suggested_endpoints.push_back(peer.suggested_endpoint);
    }
    install_calls_.push_back(std::move(call));
    changed_.notify_all();
    if (holding_) {
      held_.push_back(std::move(held));
      return;
    }
  }
  Answer(held);
}

void FakeSnifferLink::Answer(const Held& held) {
  Result<std::vector<PeerResult>> results;
  {
    const std::lock_guard lock(mutex_);
    if (install_error_) {
      results = *install_error_;
    } else {
      for (const PeerSpec& peer : held.peers) results->push_back(Apply(held.interface, peer));
    }
  }
  held.done(std::move(results));
}

PeerResult FakeSnifferLink::Apply(const std::string& interface, const PeerSpec& spec) {
  PeerResult result{spec.public_key, PeerOutcome::kInstalled, ""};
  if (const auto outcome = outcomes_.find(spec.public_key); outcome != outcomes_.end()) {
    result.outcome = outcome->second;
    result.message = "as the test wants it";
    return result;
  }
  auto& peers = peers_[interface];
  const auto [item, added] = peers.try_emplace(spec.public_key);
  PeerState& state = item->second;
  if (!added && !state.own) {
    result.outcome = PeerOutcome::kRefusedForeign;
    return result;
  }
  const bool same = !added && state.allowed_ips == spec.allowed_ips &&
                    state.persistent_keepalive == spec.persistent_keepalive &&
                    state.has_preshared_key == spec.preshared_key.has_value();
  if (!added) result.outcome = same ? PeerOutcome::kUnchanged : PeerOutcome::kUpdated;
  state.public_key = spec.public_key;
  state.own = true;
  state.allowed_ips = spec.allowed_ips;
  state.persistent_keepalive = spec.persistent_keepalive;
  state.has_preshared_key = spec.preshared_key.has_value();
  return result;
}

Result<std::vector<PeerResult>> FakeSnifferLink::Remove(const std::string& interface,
                                                        const std::vector<PublicKey>& keys,
                                                        const std::stop_token& /*stop*/) {
  const std::lock_guard lock(mutex_);
  remove_calls_.push_back({interface, keys});
  changed_.notify_all();
  if (remove_error_) return *remove_error_;
  std::vector<PeerResult> results;
  for (const PublicKey& key : keys) {
    auto& peers = peers_[interface];
    const auto found = peers.find(key);
    PeerResult result{key, PeerOutcome::kRemoved, ""};
    if (found == peers.end()) {
      result.outcome = PeerOutcome::kAbsent;
    } else if (!found->second.own) {
      result.outcome = PeerOutcome::kRefusedForeign;
    } else if (removals_to_fail_ > 0) {
      --removals_to_fail_;
      result.outcome = PeerOutcome::kFailed;
    } else {
      peers.erase(found);
    }
    results.push_back(result);
  }
  return results;
}

Result<PeerList> FakeSnifferLink::List(const std::string& interface,
                                       const std::stop_token& /*stop*/) {
  std::function<void()> hook;
  PeerList list;
  {
    const std::lock_guard lock(mutex_);
    ++list_calls_;
    if (list_error_) return *list_error_;
    list.interrupted = interrupted_;
    for (const auto& [key, state] : peers_[interface]) {
      if (!hidden_.contains(key)) list.peers.push_back(state);
    }
    hook = on_list_;
  }
  if (hook) hook();
  return list;
}

Result<std::vector<InterfaceState>> FakeSnifferLink::GetInterfaces(
    const std::stop_token& /*stop*/) {
  const std::lock_guard lock(mutex_);
  if (list_error_) return *list_error_;
  std::vector<InterfaceState> states;
  for (const auto& [name, state] : interfaces_) states.push_back(state);
  return states;
}

void FakeSnifferLink::SetInterface(InterfaceState state) {
  const std::lock_guard lock(mutex_);
  interfaces_.insert_or_assign(state.interface, std::move(state));
}

void FakeSnifferLink::PutPeer(const std::string& interface, PeerState state) {
  const std::lock_guard lock(mutex_);
  peers_[interface].insert_or_assign(state.public_key, std::move(state));
}

void FakeSnifferLink::DropPeer(const std::string& interface, const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  peers_[interface].erase(key);
}

bool FakeSnifferLink::HasPeer(const std::string& interface, const PublicKey& key) const {
  return GetPeer(interface, key).has_value();
}

std::optional<PeerState> FakeSnifferLink::GetPeer(const std::string& interface,
                                                  const PublicKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto peers = peers_.find(interface);
  if (peers == peers_.end()) return std::nullopt;
  const auto found = peers->second.find(key);
  return found == peers->second.end() ? std::nullopt : std::optional(found->second);
}

std::size_t FakeSnifferLink::CountPeers(const std::string& interface) const {
  const std::lock_guard lock(mutex_);
  const auto peers = peers_.find(interface);
  return peers == peers_.end() ? 0 : peers->second.size();
}

void FakeSnifferLink::SetInterrupted(bool interrupted) {
  const std::lock_guard lock(mutex_);
  interrupted_ = interrupted;
}

void FakeSnifferLink::HideFromList(const PublicKey& key, bool hidden) {
  const std::lock_guard lock(mutex_);
  if (hidden) {
    hidden_.insert(key);
  } else {
    hidden_.erase(key);
  }
}

void FakeSnifferLink::FailInstalls(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  install_error_ = std::move(error);
}

void FakeSnifferLink::FailRemoves(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  remove_error_ = std::move(error);
}

void FakeSnifferLink::FailLists(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  list_error_ = std::move(error);
}

void FakeSnifferLink::SetOutcome(const PublicKey& key, PeerOutcome outcome) {
  const std::lock_guard lock(mutex_);
  outcomes_[key] = outcome;
}

void FakeSnifferLink::FailNextRemovals(std::size_t count) {
  const std::lock_guard lock(mutex_);
  removals_to_fail_ = count;
}

void FakeSnifferLink::HoldInstalls() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void FakeSnifferLink::ReleaseInstalls() {
  std::vector<Held> held;
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    held = std::exchange(held_, {});
  }
  for (const Held& call : held) Answer(call);
}

void FakeSnifferLink::OnList(std::function<void()> hook) {
  const std::lock_guard lock(mutex_);
  on_list_ = std::move(hook);
}

void FakeSnifferLink::WaitForInstalls(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return install_calls_.size() >= count; });
}

std::vector<FakeSnifferLink::InstallCall> FakeSnifferLink::install_calls() const {
  const std::lock_guard lock(mutex_);
  return install_calls_;
}

std::vector<FakeSnifferLink::RemoveCall> FakeSnifferLink::remove_calls() const {
  const std::lock_guard lock(mutex_);
  return remove_calls_;
}

std::size_t FakeSnifferLink::list_calls() const {
  const std::lock_guard lock(mutex_);
  return list_calls_;
}

}  // namespace jitwg::provisioner
