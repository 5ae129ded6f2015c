// jitwg-sniffer: configuration, what the process gives up, the daemon, and the wait for its end.

#include <spdlog/spdlog.h>

#include <iostream>

#include "lib/base/allocator.h"
#include "lib/base/service_manager.h"
#include "lib/base/signals.h"
#include "lib/base/version.h"
#include "sniffer/confinement.h"
#include "sniffer/daemon.h"
#include "sniffer/options.h"

namespace {

int Fail(const jitwg::Error& error) {
  std::cerr << "jitwg-sniffer: " << error.message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace jitwg;
  LimitArenas();
  sniffer::SnifferOptions options;
  const auto exit_code = sniffer::ParseOptions(argc, argv, options, std::cout, std::cerr);
  if (exit_code) return *exit_code;
  if (const Status confined = sniffer::Confine(options); !confined) return Fail(confined.error());

  auto daemon = sniffer::Daemon::Start(options);
  if (!daemon) return Fail(daemon.error());
  spdlog::info("started version={} listen={}", Version(), options.listen);
  const int signal = ServeUntilSignal(AnswersAt(options.listen));
  spdlog::info("stopping signal={}", signal);
  daemon->reset();
  spdlog::info("stopped");
  return 0;
}
