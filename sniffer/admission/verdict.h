// The outcomes of admission, before and after the crypto. Each is a metric label.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace jitwg::sniffer {

enum class AdmissionVerdict : std::uint8_t {
  kAdmitted,       // go on
  kDuplicate,      // these very bytes were seen a moment ago
  kSourceLimited,  // the source's token bucket is empty
  kGlobalLimited,  // the bucket of all sources is empty
  kSameStamp,      // proved, but with the time stamp that this key used last
  kOlderStamp,     // proved, but older than that: a replay, or a client whose clock went back
};
inline constexpr std::size_t kAdmissionVerdictCount = 6;

// Lower-case label, e.g. "source_limited".
std::string_view ToString(AdmissionVerdict verdict);

}  // namespace jitwg::sniffer
