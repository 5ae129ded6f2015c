// One schedule: from a seed to a verdict.
#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/world.h"

namespace jitwg::simulation {

struct Outcome {
  std::string violation;     // empty: none
  std::uint64_t digest = 0;  // of what happened: equal seeds, equal digests
  std::uint64_t switches = 0;
  std::uint64_t steps = 0;
};

// Plays the schedule of the seed; with `verbose` tells every step on stdout.
Outcome RunSchedule(std::uint64_t seed, Sabotage sabotage, bool verbose);

}  // namespace jitwg::simulation
