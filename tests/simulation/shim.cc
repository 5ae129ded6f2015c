// The thread library and the clocks of the simulated processes: while a schedule runs, locks,
// condition variables, threads and time are the scheduler's. Defined in the program itself, these
// names take the place of the C library's for everything that is linked, the standard library
// included; so the shipped code runs unchanged. Outside a schedule there is one thread, and time is
// the kernel's.
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/simulation/scheduler.h"

namespace {

using jitwg::simulation::Nanos;
using jitwg::simulation::Scheduler;

constexpr std::int64_t kSecond = 1'000'000'000;
// What the clocks say at a schedule's beginning.
constexpr std::int64_t kSteadyStart = 360'000 * kSecond;
constexpr std::int64_t kWallStart = 1'780'000'000 * kSecond;

Scheduler* Running() {
  Scheduler* scheduler = Scheduler::Current();
  return scheduler != nullptr && scheduler->InTask() ? scheduler : nullptr;
}

std::int64_t ToNanos(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

bool IsSteady(clockid_t clock) {
  return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
         clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
}

// A moment of a clock as the scheduler counts.
Nanos ToSchedule(const Scheduler& scheduler, clockid_t clock, const timespec& time) {
  if (IsSteady(clock)) return Nanos(ToNanos(time) - kSteadyStart);
  return Nanos(ToNanos(time) - kWallStart) - scheduler.wall_step();
}

[[noreturn]] void Die(const char* why) {
  std::fprintf(stderr, "simulation: %s\n", why);
  std::abort();
}

int LockHolder(const Scheduler* scheduler) {
  return scheduler == nullptr ? 1 : static_cast<int>(scheduler->CurrentTask() + 2);
}

bool TryLock(pthread_mutex_t* mutex, int me) {
  auto& data = mutex->__data;
  if (data.__lock != 0) {
    const bool recursive = (data.__kind & 3) == PTHREAD_MUTEX_RECURSIVE_NP;
    if (!recursive || data.__owner != me) return false;
    ++data.__count;
    return true;
  }
  data.__lock = 1;
  data.__owner = me;
  data.__count = 1;
  return true;
}

int WaitUntil(pthread_cond_t* cond, pthread_mutex_t* mutex, Nanos deadline) {
  Scheduler* scheduler = Running();
  if (scheduler == nullptr) Die("a condition is waited for where there is no thread");
  pthread_mutex_unlock(mutex);
  const bool woken = scheduler->Wait(cond, deadline);
  pthread_mutex_lock(mutex);
  return woken ? 0 : ETIMEDOUT;
}

}  // namespace

extern "C" {

int pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) noexcept {
  *mutex = PTHREAD_MUTEX_INITIALIZER;
  int kind = PTHREAD_MUTEX_DEFAULT;
  if (attributes != nullptr) pthread_mutexattr_gettype(attributes, &kind);
  mutex->__data.__kind = kind;
  return 0;
}
int pthread_mutex_destroy(pthread_mutex_t*) noexcept { return 0; }

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  Scheduler* scheduler = Running();
  if (scheduler != nullptr) scheduler->MaybePreempt();
  const int me = LockHolder(scheduler);
  while (!TryLock(mutex, me)) {
    if (scheduler == nullptr) Die("the world waits for a lock");
    scheduler->Wait(mutex);
  }
  return 0;
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  return TryLock(mutex, LockHolder(Running())) ? 0 : EBUSY;
}
int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  auto& data = mutex->__data;
  if (data.__lock == 0) Die("a lock is given back that nobody has");
  if (--data.__count > 0) return 0;
  data.__lock = 0;
  data.__owner = 0;
  if (Scheduler* scheduler = Scheduler::Current()) scheduler->WakeAll(mutex);
  return 0;
}

int pthread_cond_init(pthread_cond_t*, const pthread_condattr_t*) noexcept { return 0; }
int pthread_cond_destroy(pthread_cond_t*) noexcept { return 0; }
int pthread_cond_wait(pthread_cond_t* cond, pthread_mutex_t* mutex) {
  return WaitUntil(cond, mutex, Nanos::max());
}
int pthread_cond_clockwait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  Scheduler* scheduler = Scheduler::Current();
  if (scheduler == nullptr) Die("time is waited for where there is no thread");
  return WaitUntil(cond, mutex, ToSchedule(*scheduler, clock, *until));
}
int pthread_cond_timedwait(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec* until) {
  return pthread_cond_clockwait(cond, mutex, CLOCK_REALTIME, until);
}
int pthread_cond_signal(pthread_cond_t* cond) noexcept {
  if (Scheduler* scheduler = Scheduler::Current()) scheduler->WakeOne(cond);
  return 0;
}
int pthread_cond_broadcast(pthread_cond_t* cond) noexcept {
  if (Scheduler* scheduler = Scheduler::Current()) scheduler->WakeAll(cond);
  return 0;
}

int pthread_create(pthread_t* thread, const pthread_attr_t*, void* (*body)(void*),
                   void* argument) noexcept {
  Scheduler* scheduler = Running();
  if (scheduler == nullptr) Die("a thread is started outside a process");
  *thread = scheduler->Spawn(scheduler->CurrentProcess(), [=] { body(argument); });
  return 0;
}
int pthread_join(pthread_t thread, void**) {
  Scheduler* scheduler = Running();
  if (scheduler == nullptr) Die("a thread is waited for outside a process");
  scheduler->Join(thread);
  return 0;
}
int pthread_detach(pthread_t) noexcept { return 0; }
pthread_t pthread_self() noexcept {
  Scheduler* scheduler = Running();
  if (scheduler != nullptr) return scheduler->CurrentTask();
  static const auto real =
      reinterpret_cast<decltype(&pthread_self)>(dlsym(RTLD_NEXT, "pthread_self"));
  return real();
}
int sched_yield() noexcept {
  if (Scheduler* scheduler = Running()) scheduler->Pause();
  return 0;
}

// What std::stop_callback and std::atomic wait with. A futex is asked again a little later: whoever
// wakes it cannot be told from here, and the caller looks again anyway.
long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  Scheduler* scheduler = Running();
  if (number == SYS_futex && scheduler != nullptr) {
    if ((arguments[1] & FUTEX_CMD_MASK) != FUTEX_WAIT) return 0;
    scheduler->Sleep(Nanos(10'000));
    errno = EAGAIN;
    return -1;
  }
  static const auto real = reinterpret_cast<decltype(&syscall)>(dlsym(RTLD_NEXT, "syscall"));
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
              arguments[5]);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  Scheduler* scheduler = Scheduler::Current();
  if (scheduler == nullptr) return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  std::int64_t now = scheduler->ReadClock().count();
  now += IsSteady(clock) ? kSteadyStart : kWallStart + scheduler->wall_step().count();
  time->tv_sec = now / kSecond;
  time->tv_nsec = now % kSecond;
  return 0;
}
int gettimeofday(timeval* time, void*) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t* out) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec*) {
  Scheduler* scheduler = Running();
  if (scheduler == nullptr) Die("the world sleeps");
  const Nanos until = (flags & TIMER_ABSTIME) != 0 ? ToSchedule(*scheduler, clock, *time)
                                                   : scheduler->now() + Nanos(ToNanos(*time));
  scheduler->Sleep(until - scheduler->now());
  return 0;
}
int nanosleep(const timespec* time, timespec*) {
  return clock_nanosleep(CLOCK_MONOTONIC, 0, time, nullptr);
}

}  // extern "C"
