#include "sniffer/admission/source_limiter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>

#include "lib/base/key.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kMaxCapacity = std::size_t{1} << 24;

Status ValidateRate(const TokenRate& rate, const std::string& name) {
  if (std::isfinite(rate.per_second) && std::isfinite(rate.burst) && rate.per_second > 0 &&
      rate.burst >= 1) {
    return {};
  }
  return Error{ErrorCode::kInvalidArgument,
               name + " limit: the rate must be above 0 per second and the burst at least 1"};
}

}  // namespace

Status Validate(const SourceLimiterOptions& options) {
  if (Status status = ValidateRate(options.per_source, "per-source"); !status) return status;
  if (Status status = ValidateRate(options.global, "global"); !status) return status;
  if (options.capacity <= kMaxCapacity) return {};
  return Error{ErrorCode::kInvalidArgument, "limiter capacity " + std::to_string(options.capacity) +
                                                " is above " + std::to_string(kMaxCapacity)};
}

SourceLimiter::SourceLimiter(const SourceLimiterOptions& options, SteadyTime start)
    : options_(options),
      global_{Nanoseconds(start), options.global.burst},
      entries_(std::bit_ceil(std::max(options.capacity, kWays))) {}

AdmissionVerdict SourceLimiter::Admit(const IpAddress& source, SteadyTime now) {
  const std::int64_t now_ns = Nanoseconds(now);
  if (!BucketOf(source, now_ns).Take()) return AdmissionVerdict::kSourceLimited;
  global_.Refill(options_.global, now_ns);
  return global_.Take() ? AdmissionVerdict::kAdmitted : AdmissionVerdict::kGlobalLimited;
}

TokenBucket& SourceLimiter::BucketOf(const IpAddress& source, std::int64_t now_ns) {
  const std::size_t network_size = source.is_v4() ? 4 : 8;
  std::array<std::uint8_t, 9> id{};
  id[8] = static_cast<std::uint8_t>(source.family());
  std::copy_n(source.bytes().begin(), network_size, id.begin());
  const auto network = std::bit_cast<std::uint64_t>(
      std::array<std::uint8_t, 8>{id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]});

  const std::size_t sets = entries_.size() / kWays;
  const std::span<Entry> set = std::span(entries_).subspan(SeededHash(id) % sets * kWays, kWays);
  // A full bucket says the same as none, so the fullest is the one to forget: sources invented by
  // the thousand push out one another, never the empty bucket of a flooder.
  Entry* victim = nullptr;
  for (Entry& entry : set) {
    if (entry.family == 0) {
      if (victim == nullptr || victim->family != 0) victim = &entry;
      continue;
    }
    entry.bucket.Refill(options_.per_source, now_ns);
    if (entry.family == id[8] && entry.network == network) return entry.bucket;
    if (victim == nullptr || (victim->family != 0 && entry.bucket.tokens > victim->bucket.tokens)) {
      victim = &entry;
    }
  }
  *victim = Entry{network, id[8], TokenBucket{now_ns, options_.per_source.burst}};
  return victim->bucket;
}

}  // namespace jitwg::sniffer
