// jitwg-ws-ingress: a ladder. Configuration, leaves, core, run, undo in reverse. Decides nothing.
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/service_manager.h"
#include "lib/base/version.h"
#include "lib/sandbox/start.h"
#include "ws-ingress/certificates.h"
#include "ws-ingress/counters.h"
#include "ws-ingress/metrics.h"
#include "ws-ingress/server.h"
#include "ws-ingress/settings.h"

namespace jitwg::ingress {
namespace {

using std::chrono::milliseconds;

// What is open besides connections: listeners, event queues, the log.
constexpr rlim_t kOtherDescriptors = 128;
// How long the last words may take after the grace.
constexpr milliseconds kLastWords(3000);
constexpr milliseconds kLook(1000);
constexpr milliseconds kDrainLook(20);

int Refuse(const Error& error) {
  std::cerr << "jitwg-ws-ingress: " << error.message << '\n';
  return EXIT_FAILURE;
}

// A connection needs a TCP and a UDP socket.
Status AllowDescriptors(std::size_t connections) {
  const rlim_t needed = 2 * static_cast<rlim_t>(connections) + kOtherDescriptors;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoError("getrlimit", errno);
  if (limit.rlim_cur >= needed) return {};
  if (limit.rlim_max < needed) {
    return Error{ErrorCode::kResourceExhausted,
                 "--max-connections " + std::to_string(connections) + " needs " +
                     std::to_string(needed) + " open files, and this process may have " +
                     std::to_string(limit.rlim_max) +
                     ": raise the hard limit (LimitNOFILE=, ulimit -Hn) or lower the option"};
  }
  limit.rlim_cur = needed;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoError("setrlimit", errno);
  return {};
}

// The next signal, or 0 when none came in time.
int WaitForSignal(milliseconds time) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&set, signal);
  const timespec wait{time.count() / 1000, time.count() % 1000 * 1'000'000};
  const int signal = ::sigtimedwait(&set, nullptr, &wait);
  return signal > 0 ? signal : 0;
}

void BlockStatusSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void LogStatus(const Server& server, const Counters& counters) {
  spdlog::info("ws_ingress_status open={} {}", server.open_connections(), counters.ToString());
}

void LookAtCertificates(Certificates& certificates) {
  const auto reloaded = certificates.ReloadIfChanged();
  if (!reloaded) {
    spdlog::error("certificate_refused error=\"{}\" consequence=\"the one before stays in use\"",
                  reloaded.error().message);
  } else if (*reloaded) {
    spdlog::info("certificate_reloaded");
  }
}

// Until somebody wants it to end. Returns the signal.
int Serve(const Server& server, const Counters& counters, Certificates* certificates) {
  ServiceManager manager(AnswersAt(server.listening().front().ToString()));
  manager.Ready();
  for (;;) {
    const int signal = WaitForSignal(kLook);
    manager.Beat();
    if (signal == SIGUSR1) LogStatus(server, counters);
    if (signal == 0 && certificates != nullptr) LookAtCertificates(*certificates);
    if (signal == SIGINT || signal == SIGTERM) {
      manager.Stopping();
      return signal;
    }
  }
}

// Waits until all connections are gone. False: a second signal came.
bool AwaitEmpty(const Server& server, const Counters& counters, milliseconds at_most) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (server.open_connections() > 0 && std::chrono::steady_clock::now() < end) {
    const int signal = WaitForSignal(kDrainLook);
    if (signal == SIGUSR1) LogStatus(server, counters);
    if (signal == SIGINT || signal == SIGTERM) return false;
  }
  return true;
}

int Run(const Settings& settings) {
  BlockStatusSignal();
  if (const Status allowed = AllowDescriptors(settings.max_connections); !allowed) {
    return Refuse(allowed.error());
  }
  std::optional<Certificates> certificates;
  if (!settings.plain) {
    auto loaded = Certificates::Load(settings.tls_cert, settings.tls_key);
    if (!loaded) return Refuse(loaded.error());
    certificates.emplace(std::move(*loaded));
  }
  Counters counters;
  Certificates* const tls = certificates ? &*certificates : nullptr;
  const auto server = Server::Start(settings, counters, tls);
  if (!server) return Refuse(server.error());
  for (const Endpoint& endpoint : (*server)->listening()) {
    spdlog::info("ws_ingress_started version={} listen={} tls={} target={} source_prefix={}",
                 Version(), endpoint.ToString(), !settings.plain, settings.target.ToString(),
                 settings.source_prefix ? settings.source_prefix->ToString() : "none");
  }
  const auto metrics = metrics::MetricsServer::Start(
      settings.metrics, {.metrics = [&](metrics::Exposition& out) {
        CollectMetrics(settings, counters, (*server)->open_connections(), out);
      }});
  if (!metrics) return Refuse(metrics.error());
  const int signal = Serve(**server, counters, tls);
  spdlog::info("ws_ingress_stopping signal={} open={}", signal, (*server)->open_connections());
  (*server)->StopAccepting();
  if (AwaitEmpty(**server, counters, settings.drain_grace)) {
    (*server)->Drain();
    AwaitEmpty(**server, counters, kLastWords);
  }
  LogStatus(**server, counters);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace jitwg::ingress

int main(int argc, char** argv) {
  using namespace jitwg::ingress;
  const auto settings = ReadSettings(argc, argv, std::cout, std::cerr);
  if (const int* exit_code = std::get_if<int>(&settings)) return *exit_code;
  const Settings& read = std::get<Settings>(settings);
  jitwg::sandbox::Confinement confinement;
  for (const jitwg::Endpoint& endpoint : read.listen) {
    confinement.capabilities |= jitwg::sandbox::ToListenAt(endpoint.port);
  }
  const jitwg::Status begun = jitwg::sandbox::Begin(read.log, confinement);
  if (!begun) return Refuse(begun.error());
  return Run(read);
}
