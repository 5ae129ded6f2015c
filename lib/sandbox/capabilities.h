// Capabilities of this process: what it has, and giving up all but a few for good. For a process
// that has one thread, since the kernel keeps them for each.
#pragma once

#include <linux/capability.h>

#include <cstdint>

#include "lib/base/result.h"

namespace jitwg::sandbox {

// A set of capabilities, as CapEff of /proc/PID/status has it.
using CapabilitySet = std::uint64_t;
constexpr CapabilitySet Bit(int capability) { return CapabilitySet{1} << capability; }

inline constexpr CapabilitySet kNetAdmin = Bit(CAP_NET_ADMIN);
inline constexpr CapabilitySet kNetRaw = Bit(CAP_NET_RAW);
inline constexpr CapabilitySet kBindService = Bit(CAP_NET_BIND_SERVICE);

// What listening at the port needs: CAP_NET_BIND_SERVICE below 1024, else nothing.
constexpr CapabilitySet ToListenAt(std::uint16_t port) {
  return port != 0 && port < 1024 ? kBindService : 0;
}

Result<CapabilitySet> EffectiveCapabilities();

// kPermissionDenied names those of `needed` that are not in `effective` and how to grant them.
Status CheckCapabilities(CapabilitySet effective, CapabilitySet needed);

// Takes all but `keep` out of the bounding set, where CAP_SETPCAP allows it.
Status LimitBoundingSet(CapabilitySet keep);

// Effective and permitted become what is in `keep` and was permitted; inheritable and ambient
// become empty. Cannot be undone.
Status KeepOnly(CapabilitySet keep);

}  // namespace jitwg::sandbox
