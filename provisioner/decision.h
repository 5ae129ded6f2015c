// What became of one initiation, or of one outbound demand, as a value.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "provisioner/policy.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

enum class Verdict {
  kInstalled,
  kUpdated,
  kAlreadyInstalled,
  kUnknownKey,
  kDisabled,
  kExpired,
  kOtherNetwork,
  kOtherGateway,
  kPrefixNotAllowed,
  kReplay,
  kRegistryUnavailable,
  kOverloaded,
  kInstallFailed,
  kUnknownAddress,  // of outbound demands alone, as is the next
  kNoEndpoint,
};
inline constexpr std::size_t kVerdicts = 15;

// As admin.proto names them.
std::string_view ToString(Verdict verdict);
Verdict ToVerdict(Refusal refusal);

struct Decision {
  WallTime decided_at;
  HandshakeEvent event;
  // The gateway has a packet for it, and that is all that asks for the peer: then the event has
  // neither source nor time stamp, and with kUnknownAddress no key.
  std::optional<IpAddress> destination;
  Verdict verdict = Verdict::kInstallFailed;
  std::string detail;
  std::string peer_name;
  std::vector<IpPrefix> allowed_ips;
  std::chrono::microseconds lookup_time{0};
  std::chrono::microseconds install_time{0};
};

}  // namespace jitwg::provisioner
