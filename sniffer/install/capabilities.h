// Whether this process has the two capabilities that the sniffer needs, asked before anything is
// opened, so that the operator gets one clear line.
#pragma once

#include <cstdint>

#include "lib/base/result.h"

namespace jitwg::sniffer {

// CAP_NET_ADMIN to configure WireGuard, CAP_NET_RAW to capture, both in the effective set of the
// calling thread. kPermissionDenied names the missing ones and how to grant them.
Status RequireCapabilities();

// Pure: the same for a set of bits as in CapEff of /proc/PID/status.
Status CheckCapabilities(std::uint64_t effective);

}  // namespace jitwg::sniffer
