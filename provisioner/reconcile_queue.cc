#include "provisioner/reconcile_queue.h"

#include <algorithm>
#include <utility>

namespace jitwg::provisioner {

void ReconcileQueue::AddAll() {
  const std::lock_guard lock(mutex_);
  now_.all = true;
  Changed();
}

void ReconcileQueue::Add(const PublicKey& key) {
  const std::lock_guard lock(mutex_);
  Insert(key, now_);
  Changed();
}

void ReconcileQueue::Retry(ReconcileRequest failed) {
  if (failed.empty()) return;
  const std::lock_guard lock(mutex_);
  Merge(std::move(failed), later_);
  if (!later_at_) later_at_ = std::chrono::steady_clock::now() + retry_delay_;
  Changed();
}

ReconcileRequest ReconcileQueue::Take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const Time now = std::chrono::steady_clock::now();
    if (IsDue(now)) {
      if (later_at_ && *later_at_ <= now) {
        Merge(std::exchange(later_, {}), now_);
        later_at_.reset();
      }
      ReconcileRequest due;
      due.keys = std::exchange(now_.keys, {});
      if (next_full_ <= now) due.all = std::exchange(now_.all, false);
      if (due.all) next_full_ = now + full_spacing_;
      if (!due.empty()) return due;
    }
    Time wake = now + std::chrono::hours(1);
    if (now_.all) wake = std::min(wake, next_full_);
    if (later_at_) wake = std::min(wake, *later_at_);
    // Not for IsDue: what is added may only become due later, and then sooner than `wake`.
    const std::uint64_t seen = changes_;
    changed_.wait_until(lock, stop, wake, [&] { return changes_ != seen; });
  }
  return {};
}

ReconcileRequest ReconcileQueue::TakeEverything() {
  const std::lock_guard lock(mutex_);
  Merge(std::exchange(later_, {}), now_);
  later_at_.reset();
  return std::exchange(now_, {});
}

void ReconcileQueue::Changed() {
  ++changes_;
  changed_.notify_all();
}

bool ReconcileQueue::IsDue(Time now) const {
  return !now_.keys.empty() || (now_.all && next_full_ <= now) || (later_at_ && *later_at_ <= now);
}

void ReconcileQueue::Merge(ReconcileRequest from, ReconcileRequest& into) {
  into.all |= from.all;
  for (const PublicKey& key : from.keys) Insert(key, into);
}

void ReconcileQueue::Insert(const PublicKey& key, ReconcileRequest& request) {
  if (request.keys.size() >= kMaxKeys) {
    request.all = true;
    request.keys.clear();
  }
  request.keys.insert(key);
}

}  // namespace jitwg::provisioner
