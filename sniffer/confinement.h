// What the sniffer keeps of its start's rights: CAP_NET_ADMIN and CAP_NET_RAW, or less.
#pragma once

#include "lib/base/result.h"
#include "lib/sandbox/capabilities.h"
#include "sniffer/options.h"

namespace jitwg::sniffer {

// CAP_NET_ADMIN for WireGuard, routes, tc and nftables. CAP_NET_RAW for capturing and giving
// packets again, and also later, since a capture is opened again when its interface comes back;
// without it only with completion `hold` and without --outbound, where the kernel's queue is the
// one source of packets.
sandbox::CapabilitySet NeededCapabilities(const SnifferOptions& options);

// Makes the directories of a --user that are not there, then sandbox::Begin with what is needed.
// kPermissionDenied: a needed capability is missing.
Status Confine(const SnifferOptions& options);

}  // namespace jitwg::sniffer
