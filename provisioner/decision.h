// What became of one initiation, as a value.
#pragma once

#include <chrono>
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
};
inline constexpr std::size_t kVerdicts = 13;

// As admin.proto names them.
std::string_view ToString(Verdict verdict);
Verdict ToVerdict(Refusal refusal);

struct Decision {
  WallTime decided_at;
  HandshakeEvent event;
  Verdict verdict = Verdict::kInstallFailed;
  std::string detail;
  std::string peer_name;
  std::vector<IpPrefix> allowed_ips;
  std::chrono::microseconds lookup_time{0};
  std::chrono::microseconds install_time{0};
};

}  // namespace jitwg::provisioner
