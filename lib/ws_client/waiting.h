// Waiting for a descriptor, with a deadline and a descriptor that ends the wait.
#pragma once

#include <chrono>
#include <cstdint>

#include "lib/base/clock.h"

namespace jitwg::ws {

enum class Wake : std::uint8_t { kReady, kTimeout, kStopped };

// `events` as poll(2) has them. `stop` wins.
Wake WaitFor(int descriptor, short events, int stop, SteadyTime deadline);

// Milliseconds until then for poll(2), at least 0, rounded up.
int MillisecondsUntil(SteadyTime deadline);

}  // namespace jitwg::ws
