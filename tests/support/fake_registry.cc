#include "tests/support/fake_registry.h"

#include <algorithm>
#include <utility>

namespace jitwg::registry {

void CallbackThread::Post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  ready_.notify_one();
}

void CallbackThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  ready_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void CallbackThread::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

FakeRegistry::~FakeRegistry() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    on_change_ = nullptr;
  }
  thread_.Stop();
}

void FakeRegistry::Find(const PublicKey& key, std::chrono::milliseconds deadline,
                        FindCallback done) {
  thread_.Post([this, key, until = clock_.SteadyNow() + deadline, done = std::move(done)] {
    done(Answer(key, until));
  });
}

Result<std::optional<Peer>> FakeRegistry::Answer(const PublicKey& key, SteadyTime deadline) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error{ErrorCode::kUnavailable, "the registry is being closed"};
  if (clock_.SteadyNow() >= deadline) {
    return Error{ErrorCode::kDeadlineExceeded, "the registry look-up waited too long"};
  }
  const auto found = peers_.find(key);
  if (found == peers_.end()) return std::optional<Peer>();
  return std::optional<Peer>(found->second.Clone());
}

Result<std::vector<Peer>> FakeRegistry::List(const ListQuery& query) {
  if (query.limit < 1 || query.limit > kMaxListLimit) {
    return Error{ErrorCode::kInvalidArgument, "the limit of a list is within 1..1000"};
  }
  const std::lock_guard lock(mutex_);
  std::vector<Peer> listed;
  auto next = query.after ? peers_.upper_bound(*query.after) : peers_.begin();
  for (; next != peers_.end() && listed.size() < query.limit; ++next) {
    const Peer& peer = next->second;
    if (!query.network.empty() && peer.network != query.network) continue;
    if (query.pinned_only && !peer.pinned) continue;
    listed.push_back(peer.Clone());
  }
  return listed;
}

Result<std::optional<AddressHolder>> FakeRegistry::FindHolder(const std::string& network,
                                                              const IpAddress& address) {
  if (!network.empty()) {
    if (const Status valid = ValidateNetwork(network); !valid) return valid.error();
  }
  const std::lock_guard lock(mutex_);
  std::optional<AddressHolder> holder;
  for (const auto& [key, peer] : peers_) {
    if (!network.empty() && peer.network != network) continue;
    const auto has = [&](const IpPrefix& prefix) { return prefix.Contains(address); };
    if (std::none_of(peer.allowed_ips.begin(), peer.allowed_ips.end(), has)) continue;
    if (holder) return std::optional<AddressHolder>();
    holder = AddressHolder{key, std::nullopt};
  }
  if (!holder) return holder;
  WallTime newest = WallTime::min();
  for (const auto& [place, sighting] : sightings_) {
    if (place.first != holder->public_key || sighting.seen_at < newest) continue;
    newest = sighting.seen_at;
    holder->last_endpoint = sighting.endpoint;
  }
  return holder;
}

Status FakeRegistry::RefuseOverlap(const Peer& peer) const {
  for (const auto& [key, other] : peers_) {
    if (key == peer.public_key || other.network != peer.network) continue;
    for (const IpPrefix& taken : other.allowed_ips) {
      for (const IpPrefix& wanted : peer.allowed_ips) {
        if (!taken.Overlaps(wanted)) continue;
        return Error{ErrorCode::kAlreadyExists,
                     "allowed IP " + wanted.ToString() + " overlaps one of peer " + key.ToBase64()};
      }
    }
  }
  return {};
}

Status FakeRegistry::Put(const Peer& peer, bool replace) {
  if (auto valid = Validate(peer); !valid) return valid;
  {
    const std::lock_guard lock(mutex_);
    const auto found = peers_.find(peer.public_key);
    if (found != peers_.end() && !replace) {
      return Error{ErrorCode::kAlreadyExists,
                   "peer " + peer.public_key.ToBase64() + " is in the registry already"};
    }
    if (auto free = RefuseOverlap(peer); !free) return free;
    Peer stored = peer.Clone();
    const auto to_microseconds = [](WallTime time) {
      return std::chrono::floor<std::chrono::microseconds>(time);
    };
    if (stored.expires_at) stored.expires_at = to_microseconds(*stored.expires_at);
    stored.updated_at = to_microseconds(clock_.WallNow());
    stored.created_at = found == peers_.end() ? stored.updated_at : found->second.created_at;
    peers_.insert_or_assign(peer.public_key, std::move(stored));
  }
  Tell({peer.public_key});
  return {};
}

Status FakeRegistry::Remove(const PublicKey& key) {
  {
    const std::lock_guard lock(mutex_);
    if (peers_.erase(key) == 0) {
      return Error{ErrorCode::kNotFound, "peer " + key.ToBase64() + " is not in the registry"};
    }
    std::erase_if(sightings_, [&](const auto& entry) { return entry.first.first == key; });
  }
  Tell({key});
  return {};
}

Status FakeRegistry::Report(const GatewayReport& report) {
  if (auto valid = Validate(report); !valid) return valid;
  const std::lock_guard lock(mutex_);
  const WallTime now = std::chrono::floor<std::chrono::microseconds>(clock_.WallNow());
  Gateway gateway = report.gateway;
  gateway.reported_at = now;
  gateways_.insert_or_assign(gateway.name, gateway);
  for (Sighting sighting : report.sightings) {
    if (!peers_.contains(sighting.public_key)) continue;
    sighting.gateway = gateway.name;
    sighting.seen_at = std::min(sighting.seen_at, now);
    const std::pair place(sighting.public_key, gateway.name);
    const auto found = sightings_.find(place);
    if (found != sightings_.end() && found->second.seen_at > sighting.seen_at) continue;
    sightings_.insert_or_assign(place, sighting);
  }
  return {};
}

std::vector<Gateway> FakeRegistry::gateways() const {
  const std::lock_guard lock(mutex_);
  std::vector<Gateway> all;
  for (const auto& [name, gateway] : gateways_) all.push_back(gateway);
  return all;
}

std::vector<Sighting> FakeRegistry::sightings() const {
  const std::lock_guard lock(mutex_);
  std::vector<Sighting> all;
  for (const auto& [place, sighting] : sightings_) all.push_back(sighting);
  return all;
}

void FakeRegistry::Tell(const Change& change) {
  std::uint64_t subscription = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!on_change_) return;
    subscription = subscription_;
  }
  thread_.Post([this, change, subscription] {
    ChangeCallback call;
    {
      const std::lock_guard lock(mutex_);
      if (!on_change_ || subscription_ != subscription) return;
      call = on_change_;
      delivering_ = true;
    }
    call(change);
    {
      const std::lock_guard lock(mutex_);
      delivering_ = false;
    }
    delivered_.notify_all();
  });
}

void FakeRegistry::Subscribe(ChangeCallback on_change) {
  std::unique_lock lock(mutex_);
  if (!thread_.IsThisThread()) delivered_.wait(lock, [this] { return !delivering_; });
  on_change_ = std::move(on_change);
  ++subscription_;
}

void FaultyRegistry::FailWith(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
}

void FaultyRegistry::Hold() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void FaultyRegistry::Release() {
  std::vector<std::function<void()>> released;
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    released.swap(held_);
  }
  for (auto& find : released) find();
}

std::size_t FaultyRegistry::held() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

std::optional<Error> FaultyRegistry::Fault() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void FaultyRegistry::Find(const PublicKey& key, std::chrono::milliseconds deadline,
                          FindCallback done) {
  ++finds_;
  {
    const std::lock_guard lock(mutex_);
    if (error_) {
      thread_.Post([error = *error_, done = std::move(done)] { done(error); });
      return;
    }
    if (holding_) {
      held_.emplace_back(
          [this, key, deadline, done = std::move(done)] { inner_.Find(key, deadline, done); });
      return;
    }
  }
  inner_.Find(key, deadline, std::move(done));
}

Result<std::vector<Peer>> FaultyRegistry::List(const ListQuery& query) {
  if (auto error = Fault()) return *error;
  return inner_.List(query);
}

Result<std::optional<AddressHolder>> FaultyRegistry::FindHolder(const std::string& network,
                                                                const IpAddress& address) {
  if (auto error = Fault()) return *error;
  return inner_.FindHolder(network, address);
}

Status FaultyRegistry::Put(const Peer& peer, bool replace) {
  if (auto error = Fault()) return *error;
  return inner_.Put(peer, replace);
}

Status FaultyRegistry::Remove(const PublicKey& key) {
  if (auto error = Fault()) return *error;
  return inner_.Remove(key);
}

Status FaultyRegistry::Report(const GatewayReport& report) {
  if (auto error = Fault()) return *error;
  return inner_.Report(report);
}

Status FaultyRegistry::Health() {
  if (auto error = Fault()) return *error;
  return inner_.Health();
}

}  // namespace jitwg::registry
