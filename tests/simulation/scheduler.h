// Owns all time and all asynchrony of a schedule: fibers that stand for threads, a clock that moves
// only when nobody can run, and the choice of who runs next, which follows from a seed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/fiber.h"
#include "tests/simulation/random.h"

namespace jitwg::simulation {

using Nanos = std::chrono::nanoseconds;

// Of a simulated process; 0 is the world itself, which nobody kills.
using ProcessId = std::uint32_t;

class Scheduler {
 public:
  struct Task;

  // The one that runs, which the stand-ins for the thread library (shim.cc) ask. Null outside a
  // schedule: then there is one thread and real time.
  static Scheduler* Current();

  // `preempt`: the chance that a thread that takes a lock is interrupted just before.
  Scheduler(std::uint64_t seed, double preempt);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // A new thread of `process`, runnable at once, or after `delay`. Its number, never 0.
  std::uint64_t Spawn(ProcessId process, std::function<void()> body, Nanos delay = Nanos(0));
  // Takes all threads of the process away, wherever they are.
  void Kill(ProcessId process);
  // Threads that have not ended.
  std::size_t CountTasks(ProcessId process) const;

  // Runs everything until the clock says `until`. Not from a fiber.
  void RunUntil(Nanos until);
  void RunFor(Nanos time) { RunUntil(steady_ + time); }

  // Since the beginning of the schedule. Asking moves the clock a little, as it does everywhere.
  Nanos ReadClock() {
    steady_ += Nanos(100);
    return steady_;
  }
  Nanos now() const { return steady_; }
  Nanos wall_step() const { return wall_step_; }
  void StepWall(Nanos by) { wall_step_ += by; }

  // From inside a fiber only:
  bool InTask() const { return running_ != nullptr; }
  std::uint64_t CurrentTask() const;
  ProcessId CurrentProcess() const;
  void Sleep(Nanos time);
  // Lets others run; the caller stays runnable.
  void Pause();
  // Where a thread may be interrupted.
  void MaybePreempt() {
    if (running_ != nullptr && preempt_ > 0 && random_.Chance(preempt_)) Pause();
  }
  // Blocks until WakeAll/WakeOne(key) or `deadline`; false: the deadline came first.
  bool Wait(const void* key, Nanos deadline = Nanos::max());
  void WakeAll(const void* key);
  void WakeOne(const void* key);
  // Blocks until the thread ended.
  void Join(std::uint64_t task);

  Random& random() { return random_; }
  std::uint64_t switches() const { return switches_; }

 private:
  void RunTask(Task& task);
  void Remove(std::size_t index);
  void Wake(Task& task, bool timed_out);
  // The next thread whose time comes; null: none.
  Task* NextTimer() const;

  Random random_;
  const double preempt_;
  Nanos steady_{0};
  Nanos wall_step_{0};
  std::uint64_t next_id_ = 1;
  std::uint64_t switches_ = 0;
  Task* running_ = nullptr;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<Task*> runnable_;
};

}  // namespace jitwg::simulation
