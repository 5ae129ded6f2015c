#include "sniffer/call_order.h"

#include <algorithm>

namespace jitwg::sniffer {

void CallOrder::Note(const CallPlace& place) {
  if (place.caller == 0) return;
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(callers_.begin(), callers_.end(),
                                  [&](const Caller& caller) { return caller.id == place.caller; });
  if (known != callers_.end()) {
    known->oldest_open = std::max(known->oldest_open, place.oldest_open);
    callers_.splice(callers_.begin(), callers_, known);
    return;
  }
  callers_.push_front({place.caller, place.oldest_open});
  if (callers_.size() > kMaxCallers) callers_.pop_back();
}

bool CallOrder::IsOpen(const CallPlace& place) const {
  if (place.caller == 0) return true;
  const std::lock_guard lock(mutex_);
  for (const Caller& caller : callers_) {
    if (caller.id == place.caller) return place.number >= caller.oldest_open;
  }
  return true;
}

}  // namespace jitwg::sniffer
