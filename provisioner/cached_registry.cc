#include "provisioner/cached_registry.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace jitwg::provisioner {
namespace {

constexpr std::size_t kMaxServedStale = 4096;

bool IsAway(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded;
}

}  // namespace

CachedRegistry::CachedRegistry(registry::Registry& inner, PeerCacheStore& store, const Clock& clock,
                               const CachedRegistryOptions& options)
    : inner_(inner), store_(store), clock_(clock), options_(options) {}

CachedRegistry::~CachedRegistry() {
  inner_.Subscribe(nullptr);
  std::unique_lock lock(mutex_);
  on_change_ = nullptr;
  changed_.wait(lock, [this] { return asked_ == 0; });
}

void CachedRegistry::Find(const PublicKey& key, std::chrono::milliseconds deadline,
                          FindCallback done) {
  LookUp(key, deadline,
         [done = std::move(done)](Result<std::optional<registry::Peer>> found,
                                  std::optional<std::chrono::seconds> /*age*/) {
           done(std::move(found));
         });
}

void CachedRegistry::LookUp(const PublicKey& key, std::chrono::milliseconds deadline,
                            LookUpCallback done) {
  if (SaidNoJustNow(key)) {
    ++negatives_served_;
    tasks_.Post([done = std::move(done)] { done(std::optional<registry::Peer>(), std::nullopt); });
    return;
  }
  bool hangs = false;
  {
    const std::lock_guard lock(mutex_);
    hangs = timed_out_;
  }
  if (hangs && ServeKnown(key, done, /*on_task_thread=*/true)) {
    if (ProbeIsDue()) {
      Ask(key, deadline, [this](const auto&, const auto&) { EndProbe(); });
    }
    return;
  }
  Ask(key, deadline, std::move(done));
}

bool CachedRegistry::ProbeIsDue() {
  const std::lock_guard lock(mutex_);
  if (probing_ || clock_.SteadyNow() < next_probe_) return false;
  probing_ = true;
  return true;
}

void CachedRegistry::EndProbe() {
  const std::lock_guard lock(mutex_);
  probing_ = false;
  next_probe_ = clock_.SteadyNow() + options_.probe_interval;
}

void CachedRegistry::Probe(std::chrono::milliseconds deadline) {
  std::optional<PublicKey> key;
  {
    const std::lock_guard lock(mutex_);
    if (away_ && !served_stale_.empty()) key = *served_stale_.begin();
  }
  if (!key || !ProbeIsDue()) return;
  Ask(*key, deadline, [this](const auto&, const auto&) { EndProbe(); });
}

void CachedRegistry::Ask(const PublicKey& key, std::chrono::milliseconds deadline,
                         LookUpCallback done) {
  std::uint64_t asked_at = 0;
  {
    const std::lock_guard lock(mutex_);
    ++asked_;
    ++flights_[key].count;
    asked_at = notices_;
  }
  inner_.Find(
      key, deadline,
      [this, key, asked_at, done = std::move(done)](Result<std::optional<registry::Peer>> found) {
        OnAnswer(key, asked_at, std::move(found), done);
        const std::lock_guard lock(mutex_);
        --asked_;
        changed_.notify_all();
      });
}

void CachedRegistry::OnAnswer(const PublicKey& key, std::uint64_t asked_at,
                              Result<std::optional<registry::Peer>> found,
                              const LookUpCallback& done) {
  EndFlight(key, asked_at, found);
  if (found) {
    NoteWell();
    return done(std::move(found), std::nullopt);
  }
  if (IsAway(found.error().code)) {
    NoteAway(found.error().code);
    if (ServeKnown(key, done, /*on_task_thread=*/false)) return;
  }
  done(std::move(found), std::nullopt);
}

void CachedRegistry::EndFlight(const PublicKey& key, std::uint64_t asked_at,
                               const Result<std::optional<registry::Peer>>& found) {
  const std::lock_guard lock(mutex_);
  const auto flight = flights_.find(key);
  const bool is_current = std::max(flight->second.last_notice, last_keyless_) <= asked_at;
  if (--flight->second.count == 0) flights_.erase(flight);
  if (!found || !is_current) return;
  // Under the lock, so that no notice comes in between.
  if (*found) {
    store_.Put({(*found)->Clone(), clock_.WallNow()});
  } else {
    store_.Remove(key);
    KeepNegative(key);
  }
}

void CachedRegistry::KeepNegative(const PublicKey& key) {
  if (!subscribed_inside_) return;  // nobody would say when it is no longer true
  const SteadyTime now = clock_.SteadyNow();
  if (negatives_.size() >= options_.max_negatives) {
    std::erase_if(negatives_, [&](const auto& item) { return item.second <= now; });
  }
  if (negatives_.size() < options_.max_negatives) {
    negatives_[key] = now + options_.negative_ttl;
  }
}

bool CachedRegistry::SaidNoJustNow(const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = negatives_.find(key);
  if (found == negatives_.end()) return false;
  if (found->second > clock_.SteadyNow()) return true;
  negatives_.erase(found);
  return false;
}

std::optional<CachedPeer> CachedRegistry::FindKnown(const PublicKey& key,
                                                    std::chrono::seconds& age) {
  auto known = store_.Find(key);
  if (!known) return std::nullopt;
  const auto old = std::max<WallTime::duration>(clock_.WallNow() - known->read_at, {});
  if (old > options_.max_stale) return std::nullopt;
  age = std::chrono::duration_cast<std::chrono::seconds>(old);
  return known;
}

bool CachedRegistry::ServeKnown(const PublicKey& key, const LookUpCallback& done,
                                bool on_task_thread) {
  std::chrono::seconds age{0};
  auto known = FindKnown(key, age);
  if (!known) return false;
  NoteServed(key);
  if (!on_task_thread) {
    done(std::optional(std::move(known->peer)), age);
    return true;
  }
  const auto peer = std::make_shared<registry::Peer>(std::move(known->peer));
  tasks_.Post([done, peer, age] { done(std::optional(std::move(*peer)), age); });
  return true;
}

void CachedRegistry::NoteServed(const PublicKey& key) {
  ++served_;
  const std::lock_guard lock(mutex_);
  if (served_stale_.size() < kMaxServedStale) {
    served_stale_.insert(key);
  } else {
    served_too_many_ = true;
  }
}

void CachedRegistry::NoteAway(ErrorCode code) {
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    is_news = !std::exchange(away_, true);
    negatives_.clear();  // what becomes of them is not told any more
    if (code == ErrorCode::kDeadlineExceeded && !std::exchange(timed_out_, true)) {
      next_probe_ = clock_.SteadyNow() + options_.probe_interval;
    }
  }
  if (is_news)
    spdlog::warn("registry_away effect=\"peers known to this gateway are still served\"");
}

void CachedRegistry::NoteWell() {
  std::vector<registry::Change> doubtful;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(away_, false)) return;
    timed_out_ = false;
    if (std::exchange(served_too_many_, false)) {
      doubtful.emplace_back();
    } else {
      for (const PublicKey& key : served_stale_) doubtful.push_back({key});
    }
    served_stale_.clear();
  }
  spdlog::info("registry_back");
  for (const registry::Change& change : doubtful) Tell(change);
}

Result<std::vector<registry::Peer>> CachedRegistry::List(const registry::ListQuery& query) {
  std::uint64_t asked_at = 0;
  {
    const std::lock_guard lock(mutex_);
    asked_at = notices_;
  }
  auto page = inner_.List(query);
  if (page) {
    const WallTime now = clock_.WallNow();
    const std::lock_guard lock(mutex_);
    // A notice meanwhile may concern any of them.
    if (!query.pinned_only || notices_ != asked_at) return page;
    for (const registry::Peer& peer : *page) store_.Put({peer.Clone(), now});
    return page;
  }
  if (!query.pinned_only || !IsAway(page.error().code)) return page;
  NoteAway(page.error().code);
  std::vector<registry::Peer> known;
  for (CachedPeer& cached : store_.List(query)) {
    if (clock_.WallNow() - cached.read_at > options_.max_stale) continue;
    NoteServed(cached.peer.public_key);
    known.push_back(std::move(cached.peer));
  }
  if (known.empty() && !query.after) return page;
  return known;
}

Status CachedRegistry::Put(const registry::Peer& peer, bool replace) {
  Forget({peer.public_key});
  Status put = inner_.Put(peer, replace);
  Forget({peer.public_key});
  return put;
}

Status CachedRegistry::Remove(const PublicKey& key) {
  Forget({key});
  Status removed = inner_.Remove(key);
  Forget({key});
  return removed;
}

void CachedRegistry::Forget(const registry::Change& change) {
  const std::lock_guard lock(mutex_);
  ++notices_;
  timed_out_ = false;  // who sends notices is there
  if (!change.public_key) {
    last_keyless_ = notices_;
    negatives_.clear();
    return;
  }
  const auto flight = flights_.find(*change.public_key);
  if (flight != flights_.end()) flight->second.last_notice = notices_;
  negatives_.erase(*change.public_key);
  store_.Remove(*change.public_key);
}

void CachedRegistry::OnInnerChange(const registry::Change& change) {
  Forget(change);
  Tell(change);
}

void CachedRegistry::Tell(const registry::Change& change) {
  std::uint64_t subscription = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!on_change_) return;
    subscription = subscription_;
  }
  tasks_.Post([this, change, subscription] {
    ChangeCallback call;
    {
      const std::lock_guard lock(mutex_);
      if (!on_change_ || subscription_ != subscription) return;
      call = on_change_;
      delivering_ = true;
    }
    call(change);
    const std::lock_guard lock(mutex_);
    delivering_ = false;
    changed_.notify_all();
  });
}

void CachedRegistry::Subscribe(ChangeCallback on_change) {
  bool first = false;
  {
    std::unique_lock lock(mutex_);
    if (!tasks_.IsThisThread()) changed_.wait(lock, [this] { return !delivering_; });
    on_change_ = std::move(on_change);
    ++subscription_;
    first = on_change_ && !std::exchange(subscribed_inside_, true);
  }
  // Once for all: from then on every notice is heard, also while nobody here wants to know.
  if (first) inner_.Subscribe([this](const registry::Change& change) { OnInnerChange(change); });
}

CacheCounters CachedRegistry::counters() const {
  const std::lock_guard lock(mutex_);
  return {served_.load(), negatives_served_.load(), away_};
}

}  // namespace jitwg::provisioner
