#include "tests/simulation/scheduler.h"

#include <sys/single_threaded.h>

#include <algorithm>
#include <cstdlib>

namespace jitwg::simulation {
namespace {

Scheduler* current_scheduler = nullptr;

// What a task's joiners wait for. Ids are small numbers, so this is no address of anything.
const void* EndOf(std::uint64_t task) {
  return reinterpret_cast<const void*>(task);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

struct Scheduler::Task {
  Task(std::uint64_t number, ProcessId owner, std::function<void()> body)
      : id(number), process(owner), fiber(std::move(body)) {}

  const std::uint64_t id;
  const ProcessId process;
  Fiber fiber;
  bool runnable = false;
  const void* waits_for = nullptr;
  Nanos deadline = Nanos::max();  // while it is not runnable
  bool timed_out = false;
};

Scheduler* Scheduler::Current() { return current_scheduler; }

Scheduler::Scheduler(std::uint64_t seed, double preempt) : random_(seed), preempt_(preempt) {
  current_scheduler = this;
  // Else the standard library leaves out what only threads need, and std::stop_callback waits for
  // ever.
  __libc_single_threaded = 0;
}

Scheduler::~Scheduler() { current_scheduler = nullptr; }

std::uint64_t Scheduler::Spawn(ProcessId process, std::function<void()> body, Nanos delay) {
  auto task = std::make_unique<Task>(next_id_++, process, std::move(body));
  const std::uint64_t id = task->id;
  if (delay > Nanos(0)) {
    task->deadline = steady_ + delay;
  } else {
    task->runnable = true;
    runnable_.push_back(task.get());
  }
  tasks_.push_back(std::move(task));
  return id;
}

void Scheduler::Kill(ProcessId process) {
  if (running_ != nullptr) std::abort();  // a fiber cannot take its own stack away
  std::erase_if(runnable_, [&](const Task* task) { return task->process == process; });
  std::erase_if(tasks_, [&](const auto& task) { return task->process == process; });
}

std::size_t Scheduler::CountTasks(ProcessId process) const {
  return static_cast<std::size_t>(std::count_if(
      tasks_.begin(), tasks_.end(), [&](const auto& task) { return task->process == process; }));
}

void Scheduler::RunUntil(Nanos until) {
  while (true) {
    if (!runnable_.empty()) {
      RunTask(*runnable_[random_.Below(runnable_.size())]);
      continue;
    }
    Task* next = NextTimer();
    if (next == nullptr || next->deadline > until) break;
    steady_ = std::max(steady_, next->deadline);
    Wake(*next, /*timed_out=*/true);
  }
  steady_ = std::max(steady_, until);
}

Scheduler::Task* Scheduler::NextTimer() const {
  Task* next = nullptr;
  for (const auto& task : tasks_) {
    if (task->runnable || task->deadline == Nanos::max()) continue;
    if (next == nullptr || task->deadline < next->deadline) next = task.get();
  }
  return next;
}

void Scheduler::RunTask(Task& task) {
  ++switches_;
  steady_ += Nanos(1000);
  running_ = &task;
  task.fiber.Resume();
  running_ = nullptr;
  if (!task.fiber.done()) return;
  const std::uint64_t id = task.id;
  std::erase(runnable_, &task);
  std::erase_if(tasks_, [&](const auto& item) { return item.get() == &task; });
  WakeAll(EndOf(id));
}

std::uint64_t Scheduler::CurrentTask() const { return running_ == nullptr ? 0 : running_->id; }

ProcessId Scheduler::CurrentProcess() const { return running_ == nullptr ? 0 : running_->process; }

void Scheduler::Sleep(Nanos time) {
  static const char nobody = 0;
  Wait(&nobody, steady_ + time);
}

void Scheduler::Pause() { running_->fiber.Yield(); }

bool Scheduler::Wait(const void* key, Nanos deadline) {
  if (running_ == nullptr) std::abort();  // only threads may wait
  Task& task = *running_;
  task.runnable = false;
  task.waits_for = key;
  task.deadline = deadline;
  std::erase(runnable_, &task);
  task.fiber.Yield();
  return !task.timed_out;
}

void Scheduler::Wake(Task& task, bool timed_out) {
  task.runnable = true;
  task.timed_out = timed_out;
  task.waits_for = nullptr;
  task.deadline = Nanos::max();
  runnable_.push_back(&task);
}

void Scheduler::WakeAll(const void* key) {
  for (const auto& task : tasks_) {
    if (!task->runnable && task->waits_for == key) Wake(*task, /*timed_out=*/false);
  }
}

void Scheduler::WakeOne(const void* key) {
  std::vector<Task*> waiting;
  for (const auto& task : tasks_) {
    if (!task->runnable && task->waits_for == key) waiting.push_back(task.get());
  }
  if (!waiting.empty()) Wake(*waiting[random_.Below(waiting.size())], /*timed_out=*/false);
}

void Scheduler::Join(std::uint64_t task) {
  const auto alive = [&] {
    return std::any_of(tasks_.begin(), tasks_.end(),
                       [&](const auto& item) { return item->id == task; });
  };
  while (alive()) Wait(EndOf(task));
}

}  // namespace jitwg::simulation
