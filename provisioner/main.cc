// jitwg-provisioner: a ladder. Configuration, leaves, core, run, undo in reverse. Decides nothing.
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "lib/base/allocator.h"
#include "lib/base/clock.h"
#include "lib/base/service_manager.h"
#include "lib/base/signals.h"
#include "lib/base/version.h"
#include "lib/registry/factory.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/server.h"
#include "lib/sandbox/start.h"
#include "provisioner/admin_service.h"
#include "provisioner/grpc_sniffer_link.h"
#include "provisioner/log_text.h"
#include "provisioner/settings.h"
#include "provisioner/status_server.h"

namespace jitwg::provisioner {
namespace {

int Refuse(const Error& error) {
  std::cerr << "jitwg-provisioner: " << error.message << '\n';
  return EXIT_FAILURE;
}

Result<std::unique_ptr<rpc::Server>> ServeAdmin(const Settings& settings, AdminService& admin) {
  const auto serve = rpc::ServeAt(settings.admin_listen, settings.admin_access, settings.tls);
  if (!serve) return serve.error();
  return rpc::Server::Start(*serve, {&admin});
}

// An absent file is made, which a demo or a first start wants; but then nobody is put out for not
// being in it: it may be absent because a disk is not mounted.
Result<std::unique_ptr<registry::Registry>> OpenRegistry(const Settings& settings,
                                                         const Clock& clock, bool& trust_absence) {
  const std::string& address = settings.registry;
  auto registry = registry::MakeRegistry(address, clock, /*create=*/false, settings.registry_http);
  if (registry || registry.error().code != ErrorCode::kNotFound) return registry;
  registry = registry::MakeRegistry(address, clock, /*create=*/true, settings.registry_http);
  if (!registry) return registry;
  trust_absence = false;
  spdlog::warn(
      "registry_created registry={} consequence=\"peers that are installed and not in it "
      "stay until they are idle\"",
      registry::ShownAddress(address));
  return registry;
}

struct Cache {
  std::unique_ptr<PeerCacheStore> store;
  std::unique_ptr<CachedRegistry> registry;
};

Cache MakeCache(const Settings& settings, registry::Registry& registry, const Clock& clock) {
  Cache cache;
  if (!settings.UsesCache()) return cache;
  cache.store = std::make_unique<PeerCacheStore>(settings.state_dir, settings.peer_cache);
  cache.registry =
      std::make_unique<CachedRegistry>(registry, *cache.store, clock, settings.cached_registry);
  return cache;
}

int Run(const Settings& settings) {
  const SystemClock clock;
  const auto channel = rpc::MakeChannel(settings.sniffer, settings.tls);
  if (!channel) return Refuse(channel.error());
  const auto replay = ReplayMemory::Open(settings.state_dir);
  if (!replay) return Refuse(replay.error());
  ProvisionerOptions options = settings.ToOptions();
  const auto registry = OpenRegistry(settings, clock, options.reconciler.trust_absence);
  if (!registry) return Refuse(registry.error());

  const auto cache = MakeCache(settings, **registry, clock);
  registry::Registry& asked = cache.registry ? *cache.registry : **registry;
  GrpcSnifferLink link(*channel);
  Provisioner provisioner(clock, link, asked, **replay, options, cache.registry.get());
  const auto kind = registry::ParseRegistryAddress(settings.registry);
  AdminService admin(clock, provisioner, asked,
                     {.version = std::string(Version()),
                      .registry_kind = kind ? kind->kind : "",
                      .cache = cache.registry.get(),
                      .cache_store = cache.store.get()});
  auto server = ServeAdmin(settings, admin);
  if (!server) return Refuse(server.error());
  provisioner.Start();
  auto status = StatusServer::Start(clock,
                                    {.provisioner = provisioner,
                                     .registry = asked,
                                     .registry_kind = kind ? kind->kind : "",
                                     .cache = cache.registry.get(),
                                     .cache_store = cache.store.get()},
                                    {.metrics = settings.metrics,
                                     .page = settings.ShowsStatusPage(),
                                     .gateway = settings.identity.gateway,
                                     .version = std::string(Version())});
  if (!status) return Refuse(status.error());
  spdlog::info("provisioner_started version={} gateway=\"{}\" sniffer={} registry={}", Version(),
               LogText(settings.identity.gateway), settings.sniffer, kind ? kind->kind : "");

  const int signal = ServeUntilSignal(AnswersAt(settings.admin_listen));
  spdlog::info("provisioner_stopping signal={}", signal);
  (*server)->SetServing(false);
  status->reset();
  provisioner.Stop();
  admin.Stop();
  server->reset();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace jitwg::provisioner

int main(int argc, char** argv) {
  using namespace jitwg::provisioner;
  jitwg::LimitArenas();
  const auto settings = ReadSettings(argc, argv, std::cout, std::cerr);
  if (const int* exit_code = std::get_if<int>(&settings)) return *exit_code;
  const jitwg::Status begun = jitwg::sandbox::Begin(std::get<Settings>(settings).log, {});
  if (!begun) return Refuse(begun.error());
  return Run(std::get<Settings>(settings));
}
