// jitwg-peer-api: a ladder. Configuration, leaves, core, run, undo in reverse. Decides nothing.
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include "lib/base/clock.h"
#include "lib/base/service_manager.h"
#include "lib/base/signals.h"
#include "lib/base/version.h"
#include "lib/http/http_server.h"
#include "lib/registry/factory.h"
#include "lib/sandbox/start.h"
#include "peer-api/counted.h"
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
  Counted counted(service);
  const auto server = http::HttpServer::Start(settings.server, counted);
  if (!server) return Refuse(server.error());
  const auto numbers = metrics::MetricsServer::Start(
      settings.metrics,
      {.metrics = [&](metrics::Exposition& out) { counted.Collect(**registry, out); }});
  if (!numbers) return Refuse(numbers.error());
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
  Settings& read = std::get<Settings>(settings);
  jitwg::sandbox::Confinement confinement;
  confinement.capabilities = jitwg::sandbox::ToListenAt(read.server.listen.port);
  const jitwg::Status begun = jitwg::sandbox::Begin(read.log, confinement);
  if (!begun) return Refuse(begun.error());
  return Run(std::move(read));
}
