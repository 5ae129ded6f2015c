#include "tests/provisioner/fake_registry.h"

namespace jitwg::provisioner {

HoldableRegistry::~HoldableRegistry() { Release(); }

void HoldableRegistry::Find(const PublicKey& key, std::chrono::milliseconds /*deadline*/,
                            FindCallback done) {
  std::function<void(const PublicKey&)> hook;
  {
    const std::lock_guard lock(mutex_);
    hook = on_find_;
    ++finds_;
    ++found_[key];
    if (holding_) {
      held_.emplace_back(key, std::move(done));
      return;
    }
  }
  if (hook) hook(key);
  done(Answer(key));
}

std::optional<Result<std::optional<registry::Peer>>> HoldableRegistry::TryFind(
    const PublicKey& key) {
  {
    const std::lock_guard lock(mutex_);
    if (!at_once_) return std::nullopt;
  }
  return Answer(key);
}

void HoldableRegistry::AnswerAtOnce() {
  const std::lock_guard lock(mutex_);
  at_once_ = true;
}

Result<std::optional<registry::Peer>> HoldableRegistry::Answer(const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  if (error_) return *error_;
  if (damaged_.contains(key)) return Error{ErrorCode::kDataLoss, "this row is damaged"};
  if (failing_[key]) return Error{ErrorCode::kUnavailable, "this key fails"};
  const auto found = peers_.find(key);
  if (found == peers_.end()) return std::optional<registry::Peer>();
  return std::optional(found->second.Clone());
}

Result<std::vector<registry::Peer>> HoldableRegistry::List(const registry::ListQuery& query) {
  std::unique_lock lock(mutex_);
  if (error_) return *error_;
  std::vector<registry::Peer> page;
  for (const auto& [key, peer] : peers_) {
    if (page.size() == query.limit) break;
    if (query.after && key <= *query.after) continue;
    if (query.pinned_only && !peer.pinned) continue;
    if (!query.network.empty() && peer.network != query.network) continue;
    if (damaged_.contains(key)) return Error{ErrorCode::kDataLoss, "a row is damaged"};
    page.push_back(peer.Clone());
  }
  const auto hook = on_list_;
  lock.unlock();
  if (hook) hook();
  return page;
}

Result<std::optional<registry::AddressHolder>> HoldableRegistry::FindHolder(
    const std::string& network, const IpAddress& address) {
  const std::lock_guard lock(mutex_);
  ++holder_finds_;
  if (error_) return *error_;
  for (const auto& [key, peer] : peers_) {
    if (!network.empty() && peer.network != network) continue;
    for (const IpPrefix& prefix : peer.allowed_ips) {
      if (!prefix.Contains(address)) continue;
      registry::AddressHolder holder{key, std::nullopt};
      if (const auto last = last_endpoints_.find(key); last != last_endpoints_.end()) {
        holder.last_endpoint = last->second;
      }
      return std::optional(holder);
    }
  }
  return std::optional<registry::AddressHolder>();
}

void HoldableRegistry::SetLastEndpoint(const PublicKey& key, const Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  last_endpoints_[key] = endpoint;
}

std::size_t HoldableRegistry::holder_finds() const {
  const std::lock_guard lock(mutex_);
  return holder_finds_;
}

Status HoldableRegistry::Put(const registry::Peer& peer, bool replace) {
  const std::lock_guard lock(mutex_);
  if (error_) return *error_;
  if (peers_.contains(peer.public_key) && !replace) {
    return Error{ErrorCode::kAlreadyExists, "the key is there"};
  }
  peers_.insert_or_assign(peer.public_key, peer.Clone());
  return {};
}

Status HoldableRegistry::Remove(const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  if (peers_.erase(key) == 0) return Error{ErrorCode::kNotFound, "no such peer"};
  return {};
}

void HoldableRegistry::Subscribe(ChangeCallback on_change) {
  const std::lock_guard lock(mutex_);
  on_change_ = std::move(on_change);
}

Status HoldableRegistry::Report(const registry::GatewayReport& report) {
  if (auto valid = registry::Validate(report); !valid) return valid;
  const std::lock_guard lock(mutex_);
  if (error_) return *error_;
  reports_.push_back(report);
  return {};
}

std::vector<registry::GatewayReport> HoldableRegistry::reports() const {
  const std::lock_guard lock(mutex_);
  return reports_;
}

Status HoldableRegistry::Health() {
  const std::lock_guard lock(mutex_);
  if (error_) return *error_;
  return {};
}

void HoldableRegistry::Hold() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void HoldableRegistry::Release() {
  std::vector<std::pair<PublicKey, FindCallback>> held;
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    held = std::exchange(held_, {});
  }
  for (auto& [key, done] : held) done(Answer(key));
}

void HoldableRegistry::Fail(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
}

void HoldableRegistry::FailKey(const PublicKey& key, bool fails) {
  const std::lock_guard lock(mutex_);
  failing_[key] = fails;
}

void HoldableRegistry::DamageRow(const PublicKey& key, bool damaged) {
  const std::lock_guard lock(mutex_);
  if (damaged) {
    damaged_.insert(key);
  } else {
    damaged_.erase(key);
  }
}

void HoldableRegistry::OnList(std::function<void()> hook) {
  const std::lock_guard lock(mutex_);
  on_list_ = std::move(hook);
}

void HoldableRegistry::OnFind(std::function<void(const PublicKey&)> hook) {
  const std::lock_guard lock(mutex_);
  on_find_ = std::move(hook);
}

void HoldableRegistry::Notify(const registry::Change& change) {
  ChangeCallback on_change;
  {
    const std::lock_guard lock(mutex_);
    on_change = on_change_;
  }
  if (on_change) on_change(change);
}

std::size_t HoldableRegistry::finds() const {
  const std::lock_guard lock(mutex_);
  return finds_;
}

std::size_t HoldableRegistry::CountFinds(const PublicKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = found_.find(key);
  return found == found_.end() ? 0 : found->second;
}

}  // namespace jitwg::provisioner
