// What never happens, as checks against the truth that the world knows. Each tells the world of the
// first thing that is wrong.
#pragma once

#include <string>

#include "lib/base/key.h"
#include "sniffer/install/wireguard_device.h"
#include "tests/simulation/world.h"

namespace jitwg::simulation {

// Just before the kernel carries it out.
void CheckChange(World& world, const sniffer::PeerChange& change);
// Before the registry is asked.
void CheckLookUp(World& world, const PublicKey& key);
// Before the provisioner asks for an installation because of this initiation.
void CheckInstallCall(World& world, const PublicKey& key, std::uint64_t stamp);
// Between two steps.
void CheckBounds(World& world);
// After a time without faults: what is not as it must be in the end; empty when all is.
std::string FindUnrest(World& world);

// The fence that the operator gave the sniffer.
const IpPrefix& AllowedPrefix();
// A peer that everybody would miss: it may connect, and was active within the idle time.
bool IsAlive(World& world, const PublicKey& key);

}  // namespace jitwg::simulation
