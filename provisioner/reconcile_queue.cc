#include "provisioner/reconcile_queue.h"

#include <utility>

namespace jitwg::provisioner {
namespace {

SteadyTime Now() { return std::chrono::steady_clock::now(); }

}  // namespace

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
  const SteadyTime now = Now();
  if (failed.all) {
    if (!later_pass_at_) later_pass_at_ = now + pass_delay_;
    pass_delay_ = std::min(pass_delay_ * 2, retry_delay_ * kMaxDelays);
    failed.all = false;
  }
  if (later_keys_.keys.empty()) later_keys_at_ = now + retry_delay_;
  Merge(failed, later_keys_);
  if (std::exchange(later_keys_.all, false)) now_.all = true;  // they were too many
  Changed();
}

void ReconcileQueue::PassSucceeded() {
  const std::lock_guard lock(mutex_);
  pass_delay_ = retry_delay_;
}

void ReconcileQueue::WaitForKeys(SteadyTime until, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const SteadyTime now = Now();
    if (now >= until || KeysAreDue(now)) return;
    const SteadyTime wake = later_keys_.keys.empty() ? until : std::min(until, later_keys_at_);
    const std::uint64_t seen = changes_;
    changed_.wait_until(lock, stop, wake, [&] { return changes_ != seen; });
  }
}

ReconcileRequest ReconcileQueue::TakeKeys() {
  const std::lock_guard lock(mutex_);
  if (!later_keys_.keys.empty() && later_keys_at_ <= Now()) {
    Merge(std::exchange(later_keys_, {}), now_);
    if (now_.all) Changed();  // they were too many
  }
  ReconcileRequest due;
  due.keys = std::exchange(now_.keys, {});
  return due;
}

bool ReconcileQueue::TakePass(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const SteadyTime now = Now();
    const auto due_at = PassDueAt();
    if (due_at && *due_at <= now) {
      now_.all = false;
      later_pass_at_.reset();
      next_full_ = now + full_spacing_;
      return true;
    }
    const std::uint64_t seen = changes_;
    changed_.wait_until(lock, stop, due_at.value_or(now + std::chrono::hours(1)),
                        [&] { return changes_ != seen; });
  }
  return false;
}

ReconcileRequest ReconcileQueue::TakeEverything() {
  const std::lock_guard lock(mutex_);
  Merge(std::exchange(later_keys_, {}), now_);
  if (std::exchange(later_pass_at_, std::nullopt)) now_.all = true;
  return std::exchange(now_, {});
}

void ReconcileQueue::Changed() {
  ++changes_;
  changed_.notify_all();
}

bool ReconcileQueue::KeysAreDue(SteadyTime now) const {
  return !now_.keys.empty() || (!later_keys_.keys.empty() && later_keys_at_ <= now);
}

std::optional<SteadyTime> ReconcileQueue::PassDueAt() const {
  if (!now_.all && !later_pass_at_) return std::nullopt;
  const SteadyTime wanted_at = now_.all ? SteadyTime{} : *later_pass_at_;
  return std::max(wanted_at, next_full_);
}

void ReconcileQueue::Merge(const ReconcileRequest& from, ReconcileRequest& into) {
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
