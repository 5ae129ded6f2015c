#include "lib/registry/subscription.h"

#include <utility>

namespace jitwg::registry {

std::uint64_t Subscription::Set(Registry::ChangeCallback on_change) {
  std::unique_lock lock(mutex_);
  delivered_.wait(lock,
                  [this] { return !delivering_ || deliverer_ == std::this_thread::get_id(); });
  on_change_ = std::move(on_change);
  return ++number_;
}

std::uint64_t Subscription::active() const {
  const std::lock_guard lock(mutex_);
  return on_change_ ? number_ : 0;
}

bool Subscription::Deliver(const Change& change, std::uint64_t number) {
  Registry::ChangeCallback call;
  {
    const std::lock_guard lock(mutex_);
    if (!on_change_ || number != number_) return false;
    call = on_change_;
    delivering_ = true;
    deliverer_ = std::this_thread::get_id();
  }
  call(change);
  {
    const std::lock_guard lock(mutex_);
    delivering_ = false;
    deliverer_ = {};
  }
  delivered_.notify_all();
  return true;
}

}  // namespace jitwg::registry
