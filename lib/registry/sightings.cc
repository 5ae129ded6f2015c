#include "lib/registry/sightings.h"

#include <limits>
#include <string>
#include <utility>

#include "lib/registry/registry.h"

namespace jitwg::registry {
namespace {

constexpr std::size_t kMaxInterfaceName = 15;  // IFNAMSIZ - 1
constexpr std::uint64_t kMaxCount = std::numeric_limits<std::int64_t>::max();

Status ValidateSighting(const Sighting& sighting) {
  if (sighting.public_key.IsZero()) return InvalidArgument("a sighting's public key is all zero");
  if (sighting.interface.empty() || sighting.interface.size() > kMaxInterfaceName) {
    return InvalidArgument("an interface's name has 1 to 15 bytes, not " +
                           std::to_string(sighting.interface.size()));
  }
  if (auto name = ValidateLabel("interface", sighting.interface); !name) return name;
  if (sighting.rx_bytes > kMaxCount || sighting.tx_bytes > kMaxCount) {
    return InvalidArgument("a sighting counts more than 2^63 bytes");
  }
  return {};
}

}  // namespace

Status Validate(const GatewayReport& report) {
  if (report.gateway.name.empty())
    return InvalidArgument("a report names its gateway; the name is empty");
  if (auto name = ValidateLabel("gateway", report.gateway.name); !name) return name;
  if (auto version = ValidateLabel("version", report.gateway.version); !version) return version;
  if (report.gateway.peers > kMaxCount)
    return InvalidArgument("a report counts more than 2^63 peers");
  if (report.sightings.size() > kMaxSightings) {
    return InvalidArgument("a report has " + std::to_string(report.sightings.size()) +
                           " sightings; at most " + std::to_string(kMaxSightings) + " are allowed");
  }
  for (const Sighting& sighting : report.sightings) {
    if (auto valid = ValidateSighting(sighting); !valid) return valid;
  }
  return {};
}

}  // namespace jitwg::registry
