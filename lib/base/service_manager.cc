#include "lib/base/service_manager.h"

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <utility>

#include "lib/base/self_probe.h"
#include "lib/base/signals.h"

namespace jitwg {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience(5000);

milliseconds WatchdogPeriod() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return milliseconds(0);
  // Half of the time, as sd_watchdog_enabled(3) advises.
  return milliseconds(std::max<std::uint64_t>(microseconds / 2000, 1));
}

// SIGINT or SIGTERM, or 0 when none came within `time`.
int WaitForSignal(milliseconds time) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  const timespec wait{time.count() / 1000, time.count() % 1000 * 1'000'000};
  return std::max(::sigtimedwait(&set, nullptr, &wait), 0);
}

}  // namespace

ServiceManager::ServiceManager(Alive alive)
    : alive_(std::move(alive)),
      period_(WatchdogPeriod()),
      next_(std::chrono::steady_clock::now()) {}

void ServiceManager::Ready() const { sd_notify(0, "READY=1"); }

void ServiceManager::Stopping() const { sd_notify(0, "STOPPING=1"); }

void ServiceManager::Beat() {
  const auto now = std::chrono::steady_clock::now();
  if (period_ == milliseconds(0) || now < next_) return;
  next_ = now + period_;
  if (alive_(std::min(period_ / 2, kPatience))) {
    sd_notify(0, "WATCHDOG=1");
  } else {
    spdlog::warn("watchdog_missed consequence=\"systemd starts this service again\"");
  }
}

ServiceManager::Alive AnswersAt(std::string_view address) {
  auto probe = SelfProbe::At(address);
  if (probe) {
    return [probe = *probe](milliseconds deadline) { return probe.Answers(deadline); };
  }
  spdlog::warn("watchdog_blind error=\"{}\"", probe.error().message);
  return [](milliseconds) { return true; };
}

int ServeUntilSignal(ServiceManager::Alive alive) {
  ServiceManager manager(std::move(alive));
  manager.Ready();
  int signal = 0;
  while (signal == 0) {
    manager.Beat();
    signal = manager.period() == milliseconds(0) ? WaitForTerminationSignal()
                                                 : WaitForSignal(manager.period());
  }
  manager.Stopping();
  return signal;
}

}  // namespace jitwg
