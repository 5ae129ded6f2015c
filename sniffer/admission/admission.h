// The three tables of admission in the order in which a packet meets them. Holds no clock and no
// lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/clock.h"
#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/tai64n.h"
#include "sniffer/admission/freshness.h"
#include "sniffer/admission/recent_initiations.h"
#include "sniffer/admission/source_limiter.h"
#include "sniffer/admission/verdict.h"

namespace jitwg::sniffer {

struct AdmissionOptions {
  RecentInitiationsOptions recent;
  SourceLimiterOptions limits;
  std::size_t freshness_capacity = 65536;
};

// One thread, or the caller's lock.
class Admission {
 public:
  // options.limits must be valid (Validate).
  explicit Admission(const AdmissionOptions& options, SteadyTime now)
      : recent_(options.recent),
        limiter_(options.limits, now),
        freshness_(options.freshness_capacity) {}

  // May this initiation, whose mac1 is right, cost crypto? Never kSameStamp or kOlderStamp.
  AdmissionVerdict BeforeCrypto(std::span<const std::uint8_t> packet, const IpAddress& source,
                                SteadyTime now) {
    if (recent_.SeenJustNow(packet, now)) return AdmissionVerdict::kDuplicate;
    return limiter_.Admit(source, now);
  }

  // May this proved initiation become an event? kAdmitted, kSameStamp or kOlderStamp.
  AdmissionVerdict AfterCrypto(std::uint32_t interface_id, const PublicKey& key,
                               const Tai64n& stamp) {
    return freshness_.Observe(interface_id, key, stamp);
  }

  bool Forget(std::uint32_t interface_id, const PublicKey& key) {
    return freshness_.Forget(interface_id, key);
  }

  // Fixed at construction, whatever is fed in.
  std::size_t memory_bytes() const {
    return recent_.memory_bytes() + limiter_.memory_bytes() + freshness_.memory_bytes();
  }

 private:
  RecentInitiations recent_;
  SourceLimiter limiter_;
  FreshnessTable freshness_;
};

}  // namespace jitwg::sniffer
