#include "sniffer/admission/token_bucket.h"

#include <algorithm>

namespace jitwg::sniffer {

void TokenBucket::Refill(const TokenRate& rate, std::int64_t now_ns) {
  if (now_ns > refilled_ns) {
    const double seconds = static_cast<double>(now_ns - refilled_ns) * 1e-9;
    tokens = std::min(rate.burst, tokens + seconds * rate.per_second);
  }
  // Also backwards: else nothing would be refilled until a clock that was set back has caught up.
  refilled_ns = now_ns;
}

bool TokenBucket::Take() {
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

}  // namespace jitwg::sniffer
