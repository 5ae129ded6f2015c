#include "lib/registry/sqlite_registry.h"

#include <algorithm>
#include <utility>

#include "lib/registry/sqlite_connections.h"
#include "lib/registry/sqlite_schema.h"

namespace jitwg::registry {

Result<std::unique_ptr<SqliteRegistry>> SqliteRegistry::Open(const std::string& path,
                                                             const Clock& clock,
                                                             const SqliteOptions& options) {
  if (auto file = EnsureFile(path, options.create, options.file_mode); !file) return file.error();
  auto writer = SqliteWriter::Open(path, options.busy_timeout);
  if (!writer) return writer.error();
  auto reader = SqliteReader::Open(path, options.busy_timeout);
  if (!reader) return reader.error();
  return std::unique_ptr<SqliteRegistry>(
      new SqliteRegistry(clock, options, std::move(*reader), std::move(*writer)));
}

SqliteRegistry::SqliteRegistry(const Clock& clock, const SqliteOptions& options,
                               std::unique_ptr<SqliteReader> reader,
                               std::unique_ptr<SqliteWriter> writer)
    : clock_(clock),
      options_(options),
      reader_(std::move(reader)),
      writer_(std::move(writer)),
      thread_([this] { Run(); }) {}

SqliteRegistry::~SqliteRegistry() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    on_change_ = nullptr;
  }
  work_.notify_all();
  thread_.join();
}

void SqliteRegistry::Find(const PublicKey& key, std::chrono::milliseconds deadline,
                          FindCallback done) {
  {
    const std::lock_guard lock(mutex_);
    if (lookups_.size() < options_.max_queued) {
      lookups_.push_back({key, clock_.SteadyNow() + deadline, std::move(done)});
      work_.notify_one();
      return;
    }
  }
  done(Error{ErrorCode::kResourceExhausted, "too many registry look-ups wait already"});
}

std::optional<Result<std::optional<Peer>>> SqliteRegistry::TryFind(const PublicKey& key) {
  {
    const std::lock_guard lock(mutex_);
    if (!lookups_.empty() || stop_) return std::nullopt;
  }
  // A mutex knows no turns: the thread, with the notices it has to tell, comes first.
  if (readers_waiting_.load() != 0) return std::nullopt;
  const std::unique_lock reading(reader_mutex_, std::try_to_lock);
  if (!reading.owns_lock()) return std::nullopt;
  auto found = Read(key, std::chrono::milliseconds(0));
  if (!found && found.error().code == ErrorCode::kDeadlineExceeded) return std::nullopt;
  return found;
}

Result<std::vector<Peer>> SqliteRegistry::List(const ListQuery& query) {
  if (query.limit < 1 || query.limit > kMaxListLimit) {
    return Error{ErrorCode::kInvalidArgument, "a list's limit is within 1.." +
                                                  std::to_string(kMaxListLimit) + ", not " +
                                                  std::to_string(query.limit)};
  }
  const std::lock_guard lock(writer_mutex_);
  return writer_->List(query);
}

Result<std::optional<AddressHolder>> SqliteRegistry::FindHolder(const std::string& network,
                                                                const IpAddress& address) {
  if (!network.empty()) {
    if (const Status valid = ValidateNetwork(network); !valid) return valid.error();
  }
  const std::lock_guard lock(writer_mutex_);
  return writer_->FindHolder(network, address);
}

Status SqliteRegistry::Put(const Peer& peer, bool replace) {
  if (auto valid = Validate(peer); !valid) return valid;
  {
    const std::lock_guard lock(writer_mutex_);
    if (auto put = writer_->Put(peer, replace, clock_.WallNow()); !put) return put;
  }
  WakeForPoll();
  return {};
}

Status SqliteRegistry::Remove(const PublicKey& key) {
  {
    const std::lock_guard lock(writer_mutex_);
    if (auto removed = writer_->Remove(key); !removed) return removed;
  }
  WakeForPoll();
  return {};
}

void SqliteRegistry::Subscribe(ChangeCallback on_change) {
  // Read here and not by the thread: a change made right after this call must be told.
  std::optional<std::int64_t> newest;
  {
    const std::lock_guard lock(writer_mutex_);
    if (const auto seq = writer_->NewestChange()) newest = *seq;
  }
  std::unique_lock lock(mutex_);
  if (std::this_thread::get_id() != thread_.get_id()) {
    delivered_.wait(lock, [this] { return !delivering_; });
  }
  on_change_ = std::move(on_change);
  ++subscription_;
  seen_ = newest;
}

Status SqliteRegistry::Report(const GatewayReport& report) {
  if (auto valid = Validate(report); !valid) return valid;
  const std::lock_guard lock(writer_mutex_);
  return writer_->Report(report, clock_.WallNow());
}

Status SqliteRegistry::Health() {
  const std::lock_guard lock(mutex_);
  return health_;
}

void SqliteRegistry::WakeForPoll() {
  {
    const std::lock_guard lock(mutex_);
    poll_now_ = true;
  }
  work_.notify_one();
}

void SqliteRegistry::Run() {
  for (;;) {
    Work work = NextWork();
    if (work.stop) return;
    if (work.poll) Poll();
    if (work.lookup) Answer(*work.lookup);
  }
}

SqliteRegistry::Work SqliteRegistry::NextWork() {
  std::unique_lock lock(mutex_);
  const auto woken = [this] { return stop_ || poll_now_ || !lookups_.empty(); };
  work_.wait_until(lock, next_poll_, woken);
  Work work;
  const auto now = std::chrono::steady_clock::now();
  if (std::exchange(poll_now_, false) || now >= next_poll_) {
    work.poll = true;
    next_poll_ = now + options_.poll_interval;
  }
  if (!lookups_.empty()) {
    work.lookup = std::move(lookups_.front());
    lookups_.pop_front();
  }
  // Those who still wait are answered before the thread ends.
  work.stop = stop_ && !work.lookup;
  work.poll = work.poll && !stop_;
  return work;
}

void SqliteRegistry::Answer(Lookup& lookup) {
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    stopping = stop_;
  }
  if (stopping) {
    lookup.done(Error{ErrorCode::kUnavailable, "the registry is being closed"});
    return;
  }
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(lookup.deadline - clock_.SteadyNow());
  if (left.count() <= 0) {
    lookup.done(Error{ErrorCode::kDeadlineExceeded, "the registry look-up waited too long"});
    return;
  }
  ++readers_waiting_;
  std::unique_lock reading(reader_mutex_);
  --readers_waiting_;
  auto found = Read(lookup.key, left);
  reading.unlock();
  lookup.done(std::move(found));
}

Result<std::optional<Peer>> SqliteRegistry::Read(const PublicKey& key,
                                                 std::chrono::milliseconds patience) {
  auto found = reader_->Find(key, patience);
  // A row that makes no sense says nothing about the other rows, nor does a lock that nobody waited
  // for.
  const bool row_only = !found && reader_->damaged_row();
  const bool unasked =
      !found && patience.count() == 0 && found.error().code == ErrorCode::kDeadlineExceeded;
  if (!unasked) Record(found || row_only ? Status() : Status(found.error()));
  return found;
}

void SqliteRegistry::Poll() {
  std::optional<std::int64_t> seen;
  {
    const std::lock_guard lock(mutex_);
    seen = seen_;
  }
  ++readers_waiting_;
  std::unique_lock reading(reader_mutex_);
  --readers_waiting_;
  auto news = reader_->ChangesAfter(seen);
  Record(news ? Status() : Status(news.error()));
  reading.unlock();
  if (!news || (news->changes.empty() && seen == news->newest)) return;
  std::uint64_t subscription = 0;
  {
    const std::lock_guard lock(mutex_);
    // Subscribed anew meanwhile: these are not for the new one.
    if (seen_ != seen) return;
    seen_ = news->newest;
    if (news->more) poll_now_ = true;
    subscription = subscription_;
  }
  for (const Change& change : news->changes) Deliver(change, subscription);
}

void SqliteRegistry::Deliver(const Change& change, std::uint64_t subscription) {
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

void SqliteRegistry::Record(const Status& status) {
  const std::lock_guard lock(mutex_);
  health_ = status;
}

}  // namespace jitwg::registry
