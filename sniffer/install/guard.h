// The last word before the kernel: whether a peer may be installed or removed. Pure policy over
// values; it must hold even when the provisioner is in a stranger's hands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/key.h"
#include "lib/base/net.h"
#include "lib/base/result.h"
#include "sniffer/install/prefix_index.h"

namespace jitwg::sniffer {

// One to one with jitwg.v1.PeerOutcome.
enum class PeerOutcome : std::uint8_t {
  kInstalled,
  kUnchanged,
  kUpdated,
  kRemoved,
  kAbsent,
  kRefusedPrefix,
  kRefusedAddressTaken,
  kRefusedOwnKey,
  kRefusedForeign,
  kRefusedCap,
  kFailed,
  kNoEndpoint,
};

// "installed", "refused_prefix", ...: a metric label and a word for the log.
std::string_view ToString(PeerOutcome outcome);
inline constexpr std::size_t kPeerOutcomeCount = 12;

struct GuardPolicy {
  std::vector<IpPrefix>
      allowed_prefixes;       // what this interface may route; empty refuses everything
  std::size_t max_peers = 0;  // of our own; foreign peers do not count
};

// What the guard knows of the key that is asked about.
enum class Standing : std::uint8_t { kUnknown, kOwn, kForeign };

struct GuardQuestion {
  const PublicKey& key;
  std::span<const IpPrefix> allowed_ips;
  const PublicKey& interface_key;
  Standing standing;
  std::size_t own_count;
};

struct Refusal {
  PeerOutcome outcome;
  std::string message;
};

// Nothing when the peer may be installed or updated. Checks in order: own key (and the all-zero
// key), foreign, the cap (new peers only), allowed IPs (some, at most kMaxAllowedIpsPerChange, each
// inside an allowed prefix), no overlap with another peer's, be it equal, inside or around.
std::optional<Refusal> CheckInstall(const GuardPolicy& policy, const GuardQuestion& question,
                                    const PrefixIndex& holders);

// May the gateway call a peer there because the provisioner says so? Not this machine, nobody in
// particular or everybody, and no port 0. What it may not do otherwise with the endpoint is
// PeerManager's business.
bool IsCallable(const Endpoint& endpoint);

}  // namespace jitwg::sniffer
