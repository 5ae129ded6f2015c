#include "tests/simulation/schedule.h"

#include <array>

#include "tests/simulation/invariants.h"
#include "tests/simulation/provisioner_process.h"
#include "tests/simulation/sniffer_process.h"

namespace jitwg::simulation {
namespace {

// In which everything has to come right once the faults are over. The longest wait is that of a
// pass over everything that failed again and again.
constexpr seconds kRest{180};

Faults RandomFaults(Random& random) {
  // Some schedules have none, most have a few, some are dreadful.
  static constexpr std::array kLevels{0.0, 0.02, 0.05, 0.2, 0.5};
  const auto any = [&] { return random.Chance(0.4) ? kLevels[random.Below(kLevels.size())] : 0.0; };
  Faults faults;
  faults.call_lost = any();
  faults.answer_lost = any();
  faults.call_slow = any();
  faults.lookup_fails = any();
  faults.lookup_hangs = any();
  faults.lookup_late = any();
  faults.notice_lost = any();
  faults.notice_twice = any();
  faults.kernel_fails = any();
  faults.kernel_no_answer = any();
  faults.dump_interrupted = any();
  faults.inject_fails = any();
  faults.disk_full = any();
  return faults;
}

class Schedule {
 public:
  Schedule(std::uint64_t seed, Sabotage sabotage, bool verbose)
      : world_(Setup::FromSeed(seed, sabotage), verbose), random_(seed ^ 0x5c4ed01eU) {}

  Outcome Run() {
    world_.StartWhatEnded();
    const std::uint64_t steps = 15 + random_.Below(30);
    for (; steps_ < steps && world_.violation().empty(); ++steps_) {
      Step();
      Go(random_.Chance(0.2) ? seconds(3) : milliseconds(500));
    }
    if (world_.violation().empty()) Rest();
    return {world_.violation(), world_.digest(), world_.scheduler().switches(), steps_};
  }

 private:
  void Go(Nanos at_most) {
    world_.scheduler().RunFor(random_.Between(Nanos(0), at_most));
    CheckBounds(world_);
  }

  std::size_t AnyClient() { return random_.Below(world_.clients().size()); }

  void Step() {
    switch (random_.Below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return world_.Call(AnyClient());
      case 4:
        return world_.StopCalling(AnyClient());
      case 5:
        return world_.Rekey(AnyClient());
      case 6:
      case 7:
        return world_.Replay();
      case 8:
        return world_.Forge();
      case 9:
        return world_.Garbage();
      case 10:
      case 11:
      case 12:
        return world_.ChangeRow(world_.clients()[AnyClient()].public_key);
      case 13:
        return SetFaults(random_.Chance(0.3) ? Faults() : RandomFaults(random_));
      case 14:
        return world_.BreakStream();
      case 15:
        return random_.Chance(0.8) ? EndDaemon() : world_.AddForeign();
      case 16:
        return ChangeInterface();
      case 17:
        return world_.StepWall(random_.Between(seconds(-100), seconds(100)));
      default:
        return world_.StartWhatEnded();
    }
  }

  void SetFaults(const Faults& faults) {
    world_.Trace([&] {
      return "faults: " + std::string(faults.call_lost > 0 ? "calls " : "") +
             (faults.lookup_fails + faults.lookup_hangs + faults.lookup_late > 0 ? "registry "
                                                                                 : "") +
             (faults.kernel_fails + faults.kernel_no_answer > 0 ? "kernel " : "") +
             (faults.notice_lost > 0 ? "notices " : "") + (faults.disk_full > 0 ? "disk" : "");
    });
    world_.faults() = faults;
    world_.disk().full = faults.disk_full;
  }

  void EndDaemon() {
    switch (random_.Below(5)) {
      case 0:
      case 1:
        return world_.KillSniffer();
      case 2:
      case 3:
        return world_.KillProvisioner();
      default:
        return world_.StopProvisioner();
    }
  }

  void ChangeInterface() {
    if (random_.Chance(0.5)) return;
    if (random_.Chance(0.3)) return world_.RemoveInterface();
    world_.MakeInterface(random_.Below(3));
  }

  void Rest() {
    world_.Trace([] { return std::string("no more faults"); });
    SetFaults({});
    world_.kernel().ClearFaults();
    if (!world_.has_interface()) world_.MakeInterface(0);
    world_.StartWhatEnded();
    for (std::size_t i = 0; i + 1 < world_.clients().size(); ++i) {
      if (!world_.clients()[i].session_since && random_.Chance(0.8)) world_.Call(i);
    }
    std::string unrest;
    const Nanos latest = world_.scheduler().now() + kRest;
    do {
      world_.scheduler().RunFor(milliseconds(2500));
      world_.StartWhatEnded();
      CheckBounds(world_);
      unrest = FindUnrest(world_);
      if (!world_.violation().empty()) return;
    } while (world_.scheduler().now() < latest && (world_.setup().is_long || !unrest.empty()));
    if (!unrest.empty()) world_.Violate(unrest);
  }

  World world_;
  Random random_;
  std::uint64_t steps_ = 0;
};

}  // namespace

Setup Setup::FromSeed(std::uint64_t seed, Sabotage sabotage) {
  Random random(seed * 0x9e3779b97f4a7c15U + 7);
  Setup setup;
  setup.seed = seed;
  setup.sabotage = sabotage;
  static constexpr std::array kPreempt{0.0, 0.0, 0.01, 0.1, 0.3};
  static constexpr std::array kCompletions{"reinject", "reinject", "hold", "initiate", "retry"};
  setup.preempt = kPreempt[random.Below(kPreempt.size())];
  setup.completion = kCompletions[random.Below(kCompletions.size())];
  setup.uses_cache = random.Chance(0.6);
  if (random.Chance(0.15)) setup.max_peers = 2 + random.Below(3);
  setup.max_lookups = 2 + random.Below(8);
  setup.clients = 3 + random.Below(5);
  setup.is_long = random.Chance(0.05);
  return setup;
}

Outcome RunSchedule(std::uint64_t seed, Sabotage sabotage, bool verbose) {
  return Schedule(seed, sabotage, verbose).Run();
}

}  // namespace jitwg::simulation
