// jitwg-peer-api: a ladder. Configuration, leaves, core, run, undo in reverse. Decides nothing.
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include "lib/base/clock.h"
#include "lib/base/harden.h"
#include "lib/base/log.h"
#include "lib/base/service_manager.h"
#include "lib/base/signals.h"
#include "lib/base/sodium.h"
#include "lib/base/version.h"
#include "lib/registry/factory.h"
#include "peer-api/http_server.h"
#include "peer-api/service.h"
#include "peer-api/settings.h"
#include "peer-api/tokens.h"

namespace jitwg::api {
namespace {

int Refuse(const Error& error) {
  std::cerr << "jitwg-peer-api: " << error.message << '\n';
  return EXIT_FAILURE;
}

int Run(Settings settings) {
  BlockTerminationSignals();
  const SystemClock clock;
  auto tokens = Tokens::Load(settings.token_file);
  if (!tokens) return Refuse(tokens.error());
  const auto control = registry::MakeControlPlane(settings.registry, clock);
  if (!control) return Refuse(control.error());
  const auto registry = registry::MakeRegistry(settings.registry, clock);
  if (!registry) return Refuse(registry.error());

  const std::size_t token_count = tokens->size();
  const bool chaos = settings.service.chaos.has_value();
  Service service(clock, **registry, **control, std::move(*tokens), std::move(settings.service));
  const auto server = HttpServer::Start(settings.server, service);
  if (!server) return Refuse(server.error());
  settings.server.listen.port = (*server)->port();
  spdlog::info("peer_api_started version={} listen={} tls={} tokens={}", Version(),
               settings.server.listen.ToString(), !settings.server.certificate.empty(),
               token_count);
  if (chaos) spdlog::warn("chaos consequence=\"calls fail on purpose: not fit for use\"");

  const int signal = ServeUntilSignal(AnswersAt(settings.server.listen.ToString()));
  spdlog::info("peer_api_stopping signal={}", signal);
  service.Stop();
  (*server)->Stop();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace jitwg::api

int main(int argc, char** argv) {
  using namespace jitwg::api;
  auto settings = ReadSettings(argc, argv, std::cout, std::cerr);
  if (const int* exit_code = std::get_if<int>(&settings)) return *exit_code;
  const jitwg::Status hardened = jitwg::HardenProcess();
  if (!hardened) return Refuse(hardened.error());
  jitwg::InitSodium();
  const jitwg::Status logging = jitwg::InitLogging(std::get<Settings>(settings).log);
  if (!logging) return Refuse(logging.error());
  return Run(std::move(std::get<Settings>(settings)));
}
