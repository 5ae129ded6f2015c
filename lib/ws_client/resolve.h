// A host's addresses, without hanging in the resolver: it has a thread of its own, which is left
// behind when it takes too long.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/net.h"
#include "lib/base/result.h"

namespace jitwg::ws {

// At least one, in the resolver's order. An address needs no resolver. kUnavailable: no such host;
// kDeadlineExceeded; kAborted: `stop` became readable.
Result<std::vector<Endpoint>> Resolve(const std::string& host, std::uint16_t port, int stop,
                                      SteadyTime deadline);

}  // namespace jitwg::ws
