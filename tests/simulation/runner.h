// Plays many schedules, a batch of them in a process of its own: what killed daemons leave behind
// goes with it, and a crash or an endless loop is one schedule's.
#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/world.h"

namespace jitwg::simulation {

struct Tally {
  std::uint64_t schedules = 0;
  std::uint64_t steps = 0;
  std::uint64_t switches = 0;
  // The first that failed.
  bool failed = false;
  std::uint64_t seed = 0;
  std::string violation;
};

// Seeds `first` to `first + count - 1`, until one fails. `progress`: a line now and then on stderr.
Tally RunSchedules(std::uint64_t first, std::uint64_t count, Sabotage sabotage, bool progress);

// Once, before anything else: what libraries set up at their first use is set up, and no line of
// the daemons' log may hold a key.
void Prepare();
// From now on the daemons' log goes to stdout, too.
void ShowLog();

}  // namespace jitwg::simulation
