// What systemd is told by a service of Type=notify: that it serves, that it is alive, that it
// stops. Where nobody asked (no NOTIFY_SOCKET) nothing happens.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

namespace jitwg {

// Not thread-safe: it belongs to the main thread.
class ServiceManager {
 public:
  // Asked on the main thread; says whether the service does its work, and may take as long as
  // `deadline` to find out.
  using Alive = std::function<bool(std::chrono::milliseconds deadline)>;

  // Takes the watchdog's time from the environment (WATCHDOG_USEC, WATCHDOG_PID).
  explicit ServiceManager(Alive alive);

  // At most so long between two calls of Beat; zero: no watchdog.
  std::chrono::milliseconds period() const { return period_; }

  void Ready() const;
  void Stopping() const;
  // Once in each period asks whether the service is alive, and tells so. A service that is not
  // alive is told to nobody: the watchdog's time runs out, and systemd starts it again.
  void Beat();

 private:
  Alive alive_;
  std::chrono::milliseconds period_{0};
  std::chrono::steady_clock::time_point next_;
};

// A server that answers at `address` (SelfProbe) is alive. An address that SelfProbe does not take
// is told in the log and always called alive.
ServiceManager::Alive AnswersAt(std::string_view address);

// Ready, then beats until SIGINT or SIGTERM comes, which BlockTerminationSignals had blocked; then
// Stopping. Returns the signal.
int ServeUntilSignal(ServiceManager::Alive alive);

}  // namespace jitwg
