// simulation: plays seeded schedules of both daemons' cores against a simulated machine, and tells
// the first seed that breaks a rule. Exit code 0: none did.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/simulation/runner.h"
#include "tests/simulation/schedule.h"

namespace jitwg::simulation {
namespace {

using Number = unsigned long long;

struct Arguments {
  std::uint64_t schedules = 1000;
  std::uint64_t seed = 1;
  bool replay = false;
  bool verbose = false;
  bool self_test = false;
  int sabotage = 0;
};

int Usage() {
  std::fputs(
      "simulation [--schedules N] [--seed S]        plays N schedules, from seed S on\n"
      "simulation --replay SEED [--verbose]         plays one, and tells what happens\n"
      "simulation --self-test                       breaks rules on purpose: each must be noticed\n"
      "           [--sabotage NUMBER]               with one of those mistakes\n",
      stderr);
  return EXIT_FAILURE;
}

bool TakeNumber(const std::string& flag, const char* text, Arguments& arguments) {
  const std::uint64_t number = std::strtoull(text, nullptr, 10);
  if (flag == "--schedules") {
    arguments.schedules = number;
  } else if (flag == "--seed") {
    arguments.seed = number;
  } else if (flag == "--sabotage") {
    arguments.sabotage = std::atoi(text);
  } else if (flag == "--replay") {
    arguments.replay = true;
    arguments.seed = number;
  } else {
    return false;
  }
  return true;
}

bool Parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--verbose") {
      arguments.verbose = true;
    } else if (flag == "--self-test") {
      arguments.self_test = true;
    } else if (i + 1 == argc || !TakeNumber(flag, argv[++i], arguments)) {
      return false;
    }
  }
  return arguments.sabotage >= 0 && arguments.sabotage <= static_cast<int>(Sabotage::kLastSabotage);
}

int Replay(const Arguments& arguments) {
  const auto sabotage = static_cast<Sabotage>(arguments.sabotage);
  if (arguments.verbose) ShowLog();
  const Outcome outcome = RunSchedule(arguments.seed, sabotage, arguments.verbose);
  std::printf("seed %llu: %s (%llu steps, digest %016llx)\n", static_cast<Number>(arguments.seed),
              outcome.violation.empty() ? "no violation" : outcome.violation.c_str(),
              static_cast<Number>(outcome.steps), static_cast<Number>(outcome.digest));
  return outcome.violation.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

double Seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

int Play(const Arguments& arguments) {
  const double begun = Seconds();
  const Tally tally = RunSchedules(arguments.seed, arguments.schedules,
                                   static_cast<Sabotage>(arguments.sabotage), /*progress=*/true);
  const double taken = Seconds() - begun;
  std::printf("%llu schedules, %llu steps, %llu switches of threads in %.1f s: %.0f schedules/s\n",
              static_cast<Number>(tally.schedules), static_cast<Number>(tally.steps),
              static_cast<Number>(tally.switches), taken,
              static_cast<double>(tally.schedules) / taken);
  if (!tally.failed) return EXIT_SUCCESS;
  std::printf("VIOLATION seed %llu: %s\n", static_cast<Number>(tally.seed),
              tally.violation.c_str());
  std::printf("see it: simulation --replay %llu --verbose\n", static_cast<Number>(tally.seed));
  return EXIT_FAILURE;
}

// What a mistake leads to first, as the violation tells it.
bool IsOf(Sabotage sabotage, const std::string& violation) {
  static constexpr const char* kSigns[] = {
      "", "replayed", "not in", "hand-made", "outside the fence", "", "2:", "may not", "not in"};
  return violation.find(kSigns[static_cast<int>(sabotage)]) != std::string::npos;
}

// The rarest needs both daemons started anew and a replay of somebody put out meanwhile.
constexpr std::uint64_t kEnoughSeeds = 6000;

bool Notices(Sabotage sabotage, std::uint64_t seed) {
  const std::uint64_t end = seed + kEnoughSeeds;
  while (seed < end) {
    const Tally tally = RunSchedules(seed, end - seed, sabotage, /*progress=*/false);
    if (!tally.failed) return false;
    if (IsOf(sabotage, tally.violation)) return true;
    seed = tally.seed + 1;
  }
  return false;
}

// Every mistake must be noticed, and a seed must mean the same each time.
int SelfTest(const Arguments& arguments) {
  bool good = true;
  for (int i = 1; i <= static_cast<int>(Sabotage::kLastSabotage); ++i) {
    const auto sabotage = static_cast<Sabotage>(i);
    const bool noticed = Notices(sabotage, arguments.seed);
    std::printf("%-16s %s\n", ToString(sabotage), noticed ? "noticed" : "NOT NOTICED");
    good = good && noticed;
  }
  for (std::uint64_t seed = arguments.seed; seed < arguments.seed + 20; ++seed) {
    const Outcome first = RunSchedule(seed, Sabotage::kNone, /*verbose=*/false);
    const Outcome second = RunSchedule(seed, Sabotage::kNone, /*verbose=*/false);
    if (first.digest == second.digest && first.switches == second.switches) continue;
    std::printf("seed %llu is not the same twice\n", static_cast<Number>(seed));
    good = false;
  }
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) return Usage();
  Prepare();
  if (arguments.self_test) return SelfTest(arguments);
  return arguments.replay ? Replay(arguments) : Play(arguments);
}

}  // namespace

const char* ToString(Sabotage sabotage) {
  static constexpr const char* kNames[] = {
      "none",       "forgetful disk",  "blind evictor",   "greedy journal",
      "open guard", "deaf to notices", "forgeable proof", "lying removal",
      "lost events"};
  return kNames[static_cast<int>(sabotage)];
}

}  // namespace jitwg::simulation

int main(int argc, char** argv) { return jitwg::simulation::Main(argc, argv); }
