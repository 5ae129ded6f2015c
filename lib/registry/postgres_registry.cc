#include "lib/registry/postgres_registry.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

namespace jitwg::registry {

using std::chrono::milliseconds;

Result<std::unique_ptr<PostgresRegistry>> PostgresRegistry::Open(std::string connection,
                                                                 const Clock& clock,
                                                                 const PostgresOptions& options) {
  auto settings = PostgresSettings::Parse(std::move(connection));
  if (!settings) return settings.error();
  return std::unique_ptr<PostgresRegistry>(new PostgresRegistry(*settings, clock, options));
}

PostgresRegistry::PostgresRegistry(const PostgresSettings& settings, const Clock& clock,
                                   const PostgresOptions& options)
    : clock_(clock),
      options_(options),
      store_(settings, options.call_timeout),
      lookups_(options.max_in_flight, options.hang_after),
      listener_(options.heartbeat, options.hang_after),
      lookup_connector_(settings, options.backoff, options.connect_timeout,
                        PostgresLookups::Prepare, [this] { wake_.Raise(); }),
      listen_connector_(settings, options.backoff, options.connect_timeout,
                        PostgresListener::Prepare, [this] { wake_.Raise(); }),
      thread_([this] { Run(); }) {}

PostgresRegistry::~PostgresRegistry() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    on_change_ = nullptr;
    pending_ = nullptr;
  }
  wake_.Raise();
  thread_.join();
}

void PostgresRegistry::Find(const PublicKey& key, milliseconds deadline, FindCallback done) {
  const auto now = std::chrono::steady_clock::now();
  ErrorCode code = ErrorCode::kResourceExhausted;
  const char* why = "too many registry look-ups wait already";
  {
    const std::lock_guard lock(mutex_);
    if (stop_) {
      code = ErrorCode::kUnavailable;
      why = "the registry is being closed";
    } else if (inbox_.size() + unanswered_ < options_.max_queued) {
      lookups_wanted_ = true;
      const bool first = inbox_.empty();
      inbox_.push_back({key, now + deadline, std::move(done)});
      if (first) wake_.Raise();
      return;
    }
  }
  done(Error{code, why});
}

Result<std::vector<Peer>> PostgresRegistry::List(const ListQuery& query) {
  if (query.limit < 1 || query.limit > kMaxListLimit) {
    return Error{ErrorCode::kInvalidArgument, "a list's limit is within 1.." +
                                                  std::to_string(kMaxListLimit) + ", not " +
                                                  std::to_string(query.limit)};
  }
  return store_.List(query);
}

Result<std::optional<AddressHolder>> PostgresRegistry::FindHolder(const std::string& network,
                                                                  const IpAddress& address) {
  if (!network.empty()) {
    if (const Status valid = ValidateNetwork(network); !valid) return valid.error();
  }
  return store_.FindHolder(network, address);
}

Status PostgresRegistry::Put(const Peer& peer, bool replace) {
  if (auto valid = Validate(peer); !valid) return valid;
  return store_.Put(peer, replace, clock_.WallNow());
}

Status PostgresRegistry::Remove(const PublicKey& key) { return store_.Remove(key); }

Status PostgresRegistry::Report(const GatewayReport& report) {
  if (auto valid = Validate(report); !valid) return valid;
  return store_.Report(report, clock_.WallNow());
}

Status PostgresRegistry::Health() {
  const std::lock_guard lock(mutex_);
  return health_;
}

void PostgresRegistry::Subscribe(ChangeCallback on_change) {
  std::unique_lock lock(mutex_);
  const bool inside = std::this_thread::get_id() == thread_.get_id();
  if (!inside) delivered_.wait(lock, [this] { return !delivering_; });
  on_change_ = nullptr;
  pending_ = nullptr;
  const std::uint64_t mine = ++subscription_;
  if (!on_change) return;
  if (inside) {
    on_change_ = std::move(on_change);
    return;
  }
  pending_ = std::move(on_change);
  listener_wanted_ = true;
  lookups_wanted_ = true;
  wake_.Raise();
  subscribed_.wait_for(lock, options_.call_timeout,
                       [&] { return !pending_ || subscription_ != mine; });
  if (pending_ && subscription_ == mine) {
    on_change_ = std::exchange(pending_, nullptr);
    tell_missed_ = true;
  }
}

void PostgresRegistry::Run() {
  bool lookups_ready = false;
  bool listener_ready = false;
  while (TakeInbox()) {
    const auto now = std::chrono::steady_clock::now();
    ServeLookups(lookups_ready, now);
    ServeListener(listener_ready, now);
    unanswered_ = lookups_.unanswered();
    Poll(std::min(lookups_.NextDue(), listener_.NextDue()), lookups_ready, listener_ready);
  }
  lookups_.FailAll(Error{ErrorCode::kUnavailable, "the registry is being closed"});
}

// False: the registry ends.
bool PostgresRegistry::TakeInbox() {
  std::deque<PostgresLookups::Lookup> taken;
  bool stop = false;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(inbox_);
    unanswered_ += taken.size();
    stop = stop_;
    if (lookups_wanted_ && !lookups_.connected()) lookup_connector_.Request();
    if (listener_wanted_ && !listener_.connected()) listen_connector_.Request();
  }
  for (auto& lookup : taken) lookups_.Add(std::move(lookup));
  return !stop;
}

void PostgresRegistry::Poll(SteadyTime deadline, bool& lookups_ready, bool& listener_ready) {
  constexpr std::int64_t kLongest = 60'000;
  std::array<pollfd, 3> fds = {pollfd{wake_.fd(), POLLIN, 0}, pollfd{-1, 0, 0}, pollfd{-1, 0, 0}};
  if (lookups_.connected()) fds[1] = {lookups_.fd(), lookups_.events(), 0};
  if (listener_.connected()) fds[2] = {listener_.fd(), listener_.events(), 0};
  std::int64_t wait = kLongest;
  if (deadline != SteadyTime::max()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    wait = std::clamp<std::int64_t>(std::chrono::ceil<milliseconds>(left).count(), 0, kLongest);
  }
  if (::poll(fds.data(), fds.size(), static_cast<int>(wait)) < 0) fds = {};
  if (fds[0].revents != 0) wake_.Lower();
  lookups_ready = (fds[1].revents & ~POLLOUT) != 0;
  listener_ready = (fds[2].revents & ~POLLOUT) != 0;
}

void PostgresRegistry::ServeLookups(bool readable, SteadyTime now) {
  const bool was_connected = lookups_.connected();
  if (!was_connected) {
    if (auto session = lookup_connector_.Take()) {
      lookups_.Adopt(std::move(*session));
      readable = false;
    } else if (const Status failure = lookup_connector_.failure(); !failure) {
      Record(failure);
      lookups_.FailAll(failure.error());
    }
  }
  lookups_.Work(readable, now);
  lookups_.Expire(std::chrono::steady_clock::now());
  if (lookups_.connected()) {
    Record(lookups_.health());
  } else if (was_connected || !lookups_.empty()) {
    lookup_connector_.Request();
  }
}

bool PostgresRegistry::ConnectListener(SteadyTime now) {
  if (listener_.connected()) return false;
  if (auto session = listen_connector_.Take()) {
    listener_.Adopt(std::move(*session), now);
    marked_ = 0;
    return false;
  }
  return !listen_connector_.failure();
}

void PostgresRegistry::ServeListener(bool readable, SteadyTime now) {
  const bool was_connected = listener_.connected();
  const bool away = ConnectListener(now);
  AdvanceSubscription(away);
  std::uint64_t subscription = 0;
  bool tell_missed = false;
  {
    const std::lock_guard lock(mutex_);
    subscription = subscription_;
    missed_ = std::exchange(tell_missed_, false) || missed_;
    if (listener_.connected() && on_change_) tell_missed = std::exchange(missed_, false);
  }
  if (tell_missed) Deliver({}, subscription);
  for (const auto& notice : listener_.Work(readable && was_connected, now)) {
    if (notice.mark == 0) {
      Deliver(notice.change, subscription);
    } else if (notice.mark == mark_) {
      Activate();
    }
  }
  if (listener_.connected()) return;
  if (was_connected) missed_ = true;
  const std::lock_guard lock(mutex_);
  if (listener_wanted_) listen_connector_.Request();
}

// A subscription begins at a mark among the notices, or, with the server away, at once: then its
// subscriber is told later that it may have missed something.
void PostgresRegistry::AdvanceSubscription(bool away) {
  const std::lock_guard lock(mutex_);
  if (!pending_) return;
  if (away) {
    on_change_ = std::exchange(pending_, nullptr);
    missed_ = true;
    subscribed_.notify_all();
  } else if (listener_.connected() && marked_ != subscription_) {
    marked_ = subscription_;
    mark_ = listener_.Mark();
  }
}

void PostgresRegistry::Activate() {
  const std::lock_guard lock(mutex_);
  if (!pending_ || marked_ != subscription_) return;
  on_change_ = std::exchange(pending_, nullptr);
  // Whatever was missed was missed before this subscription.
  missed_ = false;
  subscribed_.notify_all();
}

void PostgresRegistry::Deliver(const Change& change, std::uint64_t subscription) {
  ChangeCallback call;
  {
    const std::lock_guard lock(mutex_);
    // A callback may have ended its own subscription.
    if (!on_change_ || stop_ || subscription != subscription_) return;
    delivering_ = true;
    call = on_change_;
  }
  call(change);
  {
    const std::lock_guard lock(mutex_);
    delivering_ = false;
  }
  delivered_.notify_all();
}

void PostgresRegistry::Record(const Status& status) {
  if (status && healthy_) return;
  healthy_ = status.has_value();
  const std::lock_guard lock(mutex_);
  health_ = status;
}

}  // namespace jitwg::registry
