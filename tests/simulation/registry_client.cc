#include "tests/simulation/registry_client.h"

#include <memory>

#include "tests/simulation/invariants.h"

namespace jitwg::simulation {
namespace {

Result<std::optional<registry::Peer>> Row(World& world, const PublicKey& key) {
  const auto row = world.rows().find(key);
  if (row == world.rows().end()) return std::optional<registry::Peer>();
  return std::optional(row->second.Clone());
}

Error Away() { return {ErrorCode::kUnavailable, "the simulated registry is away"}; }

}  // namespace

RegistryClient::RegistryClient(World& world) : world_(world) {
  thread_ = world.scheduler().Spawn(world.scheduler().CurrentProcess(), [this] { Run(); });
}

RegistryClient::~RegistryClient() {
  stop_ = true;
  world_.scheduler().WakeAll(this);
  world_.scheduler().Join(thread_);
}

void RegistryClient::Post(Nanos delay, std::function<void()> task) {
  tasks_.emplace(world_.scheduler().now() + delay, std::move(task));
  world_.scheduler().WakeAll(this);
}

// Whatever is left at the end is run at once: no callback is forgotten.
void RegistryClient::Run() {
  Scheduler& scheduler = world_.scheduler();
  while (true) {
    if (tasks_.empty() && stop_) return;
    const Nanos due = tasks_.empty() ? Nanos::max() : tasks_.begin()->first;
    if (due > scheduler.now() && !stop_) {
      scheduler.Wait(this, due);
      continue;
    }
    const auto task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    task();
  }
}

bool RegistryClient::Fails() { return world_.random().Chance(world_.faults().lookup_fails); }

void RegistryClient::Find(const PublicKey& key, std::chrono::milliseconds deadline,
                          FindCallback done) {
  CheckLookUp(world_, key);
  Random& random = world_.random();
  Nanos delay = random.Between(Nanos(100'000), Nanos(3'000'000));
  if (random.Chance(world_.faults().lookup_hangs)) delay = Nanos::max();
  if (random.Chance(world_.faults().lookup_late)) delay = random.Between(Nanos(0), deadline * 2);
  if (delay >= deadline) {
    return Post(deadline, [done = std::move(done)] {
      done(Error{ErrorCode::kDeadlineExceeded, "the simulated registry does not answer"});
    });
  }
  if (Fails()) return Post(delay, [done = std::move(done)] { done(Away()); });
  // The row is read at some moment between the question and the answer.
  if (random.Chance(0.5)) {
    auto row = std::make_shared<Result<std::optional<registry::Peer>>>(Row(world_, key));
    return Post(delay, [done = std::move(done), row] { done(std::move(*row)); });
  }
  Post(delay, [this, key, done = std::move(done)] { done(Row(world_, key)); });
}

Result<std::vector<registry::Peer>> RegistryClient::List(const registry::ListQuery& query) {
  world_.scheduler().Sleep(world_.random().Between(Nanos(200'000), Nanos(5'000'000)));
  if (Fails()) return Away();
  std::vector<registry::Peer> page;
  for (const auto& [key, row] : world_.rows()) {
    if (page.size() >= query.limit) break;
    if (query.after && !(*query.after < key)) continue;
    if (query.pinned_only && !row.pinned) continue;
    if (!query.network.empty() && query.network != row.network) continue;
    page.push_back(row.Clone());
  }
  return page;
}

Result<std::optional<registry::AddressHolder>> RegistryClient::FindHolder(const std::string&,
                                                                          const IpAddress&) {
  return std::optional<registry::AddressHolder>();
}

Status RegistryClient::Put(const registry::Peer&, bool) { return Away(); }
Status RegistryClient::Remove(const PublicKey&) { return Away(); }

Status RegistryClient::Report(const registry::GatewayReport&) {
  world_.scheduler().Sleep(world_.random().Between(Nanos(200'000), Nanos(5'000'000)));
  return Fails() ? Status(Away()) : Status();
}

void RegistryClient::Subscribe(ChangeCallback on_change) {
  Scheduler& scheduler = world_.scheduler();
  const bool on_thread = scheduler.CurrentTask() == thread_;
  while (delivering_ && !on_thread) scheduler.Wait(&delivering_);
  on_change_ = std::move(on_change);
  ++subscription_;
}

void RegistryClient::Deliver(const registry::Change& change) {
  if (!on_change_) return;
  const ChangeCallback call = on_change_;
  delivering_ = true;
  call(change);
  delivering_ = false;
  world_.scheduler().WakeAll(&delivering_);
}

void RegistryClient::Tell(const registry::Change& change, Nanos delay) {
  Post(delay, [this, change, subscription = subscription_] {
    if (subscription == subscription_) Deliver(change);
  });
}

void RegistryClient::Notify(const PublicKey& key) {
  if (world_.setup().sabotage == Sabotage::kDeafToNotices) return;
  Random& random = world_.random();
  const Faults& faults = world_.faults();
  if (random.Chance(faults.notice_lost)) {
    return Tell({}, random.Between(milliseconds(100), milliseconds(5000)));
  }
  Tell({key}, random.Between(Nanos(0), milliseconds(20)));
  if (random.Chance(faults.notice_twice)) {
    Tell({key}, random.Between(Nanos(0), milliseconds(900)));
  }
}

}  // namespace jitwg::simulation
