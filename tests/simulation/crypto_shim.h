// What the simulation may change of the crypto under it (crypto_shim.cc).
#pragma once

#include <cstdint>

#include "lib/base/key.h"

namespace jitwg::simulation {

// What randombytes_buf gives from now on.
void SeedRandomNumbers(std::uint64_t seed);

// For the self-test: from now on a shared secret with this key is all zero, and nobody minds;
// nullptr: as it was.
void BreakX25519(const PublicKey* point);

}  // namespace jitwg::simulation
