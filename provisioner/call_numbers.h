// Numbers for the calls to a sniffer, so that it can leave out those that were given up meanwhile.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>

#include "jitwg/v1/peer_installer.pb.h"

namespace jitwg::provisioner {

// Thread-safe.
class CallNumbers {
 public:
  // `caller`: not 0, and nobody else's, not that of the last run either.
  explicit CallNumbers(std::uint64_t caller) : caller_(caller) {}

  // The next call's place. It counts as open until End.
  v1::CallOrder Begin() {
    const std::lock_guard lock(mutex_);
    open_.insert(open_.end(), ++last_);
    v1::CallOrder order;
    order.set_caller(caller_);
    order.set_number(last_);
    order.set_oldest_open(*open_.begin());
    return order;
  }

  // The call was answered, failed, or was given up.
  void End(const v1::CallOrder& order) {
    const std::lock_guard lock(mutex_);
    open_.erase(order.number());
  }

 private:
  const std::uint64_t caller_;
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::set<std::uint64_t> open_;
};

}  // namespace jitwg::provisioner
