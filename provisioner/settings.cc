#include "provisioner/settings.h"

#include <unistd.h>

#include <array>
#include <ostream>

#include "lib/base/config.h"
#include "lib/base/version.h"
#include "lib/registry/factory.h"
#include "lib/rpc/address.h"
#include "lib/rpc/tls_flags.h"

namespace jitwg::provisioner {
namespace {

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.data();
}

Status CheckRegistry(const std::string& text) {
  const auto address = registry::ParseRegistryAddress(text);
  if (!address) return address.error();
  return {};
}

constexpr const char* kExamples =
    "  # one gateway, everything at its default place\n"
    "  jitwg-provisioner\n"
    "  # in a folder of its own, as any user\n"
    "  jitwg-provisioner --sniffer unix:/tmp/j/sniffer.sock --registry sqlite:/tmp/j/registry.db "
    "\\\n"
    "      --state-dir /tmp/j --admin-listen unix:/tmp/j/admin.sock\n"
    "  # only say whether the configuration is valid\n"
    "  jitwg-provisioner --config /etc/jitwg/provisioner.toml --check-config\n";

void AddPlaces(ConfigParser& parser, Settings& settings, FileMode& mode) {
  parser
      .Add("sniffer", &settings.sniffer,
           "where the sniffer listens: unix:PATH, or HOST:PORT with mutual TLS")
      .ValueName("ADDRESS")
      .Check(rpc::CheckAddress);
  parser
      .Add("registry", &settings.registry,
           "where the registered peers are: sqlite:PATH, a libpq URI like postgresql://HOST/DB, or "
           "https://HOST:PORT of a peer API")
      .ValueName("ADDRESS")
      .Check(CheckRegistry);
  parser
      .Add("registry-token-file", &settings.registry_http.token_file,
           "the token that a peer API wants; read again when it changes")
      .ValueName("FILE");
  parser
      .Add("registry-ca-file", &settings.registry_http.ca_file,
           "who vouches for a peer API; the system's authorities by default")
      .ValueName("FILE");
  parser
      .Add("state-dir", &settings.state_dir,
           "keeps the newest time stamp of each key; writable, of this process alone")
      .ValueName("DIR");
  parser
      .Add("admin-listen", &settings.admin_listen,
           "where jitwgctl finds the provisioner: unix:PATH, or HOST:PORT with mutual TLS")
      .ValueName("ADDRESS")
      .Check(rpc::CheckAddress);
  parser.Add("admin-socket-mode", &mode, "permissions of the admin socket");
  parser.Add("admin-socket-group", &settings.admin_access.group,
             "group of the admin socket; empty leaves the process's own");
  rpc::AddTlsFiles(parser, settings.tls);
  rpc::AddTlsServerNames(parser, settings.tls);
  rpc::AddTlsClientNames(parser, settings.tls);
}

void AddDecisions(ConfigParser& parser, Settings& settings) {
  parser
      .Add("completion", &settings.completion,
           "how a first handshake is made to finish: as the sniffer is configured (or, where the "
           "sniffer has it, by another strategy of its --completion)")
      .OneOf({"sniffer", "hold", "reinject", "initiate", "retry"});
  parser.Add("network", &settings.identity.network, "only peers of this network; empty for all");
  parser.Add("gateway", &settings.identity.gateway,
             "this gateway's name, for peers that are bound to one");
  parser.Add("lookup-timeout", &settings.lookup_timeout, "for one look-up in the registry")
      .Range(std::chrono::milliseconds(10), std::chrono::minutes(1));
  parser
      .Add("max-lookups", &settings.max_lookups,
           "keys being looked up or installed at the same time")
      .Range(1, 100000);
}

void AddCache(ConfigParser& parser, Settings& settings) {
  parser
      .Add("cache", &settings.cache,
           "keep what the registry says, with preshared keys, in a file of --state-dir, and serve "
           "known peers from it while the registry is away; auto: unless the registry is a local "
           "file")
      .OneOf({"auto", "on", "off"});
  parser
      .Add("max-stale", &settings.cached_registry.max_stale,
           "so old may be what is served while the registry is away")
      .Range(std::chrono::seconds(1), std::chrono::hours(24 * 365));
  parser
      .Add("negative-ttl", &settings.cached_registry.negative_ttl,
           "so long a key that the registry did not know is not looked up again, unless it tells "
           "of a change")
      .Range(std::chrono::milliseconds(0), std::chrono::minutes(1));
  parser
      .Add("cache-peers", &settings.peer_cache.max_entries,
           "peers in the cache at most; those read longest ago go")
      .Range(1, 10'000'000);
}

void AddReports(ConfigParser& parser, Settings& settings) {
  parser
      .Add("report-interval", &settings.report_interval,
           "how often the registry is told where this gateway saw which peer; 0 for never")
      .Range(std::chrono::milliseconds(0), std::chrono::hours(24));
}

void AddEviction(ConfigParser& parser, Settings& settings) {
  parser
      .Add("idle-timeout", &settings.eviction.idle,
           "a peer without a sign of life for longer goes; a session lasts 180 s at most")
      .Range(std::chrono::seconds(1), std::chrono::hours(24 * 365));
  parser
      .Add("unfinished-timeout", &settings.eviction.unfinished,
           "a peer that never completed a handshake goes after this")
      .Range(std::chrono::seconds(1), std::chrono::hours(1));
  parser.Add("evict-interval", &settings.evict_interval, "how often to look for such peers")
      .Range(std::chrono::milliseconds(100), std::chrono::hours(1));
  parser
      .Add("max-peers", &settings.eviction.max_peers,
           "above so many peers on an interface the longest idle go; 0 for no limit")
      .Range(0, 1 << 20);
}

void AddMetrics(ConfigParser& parser, Settings& settings) {
  metrics::AddMetricsOptions(parser, settings.metrics);
  parser
      .Add("status-page", &settings.status_page,
           "serve a page for people at / of --metrics-listen, with peers' names, keys and "
           "addresses; auto: if that is a loopback address")
      .OneOf({"auto", "on", "off"});
}

void AddLogging(ConfigParser& parser, Settings& settings) {
  parser.Add("log-level", &settings.log.level, "what is told at least")
      .OneOf({"trace", "debug", "info", "warn", "error"});
  parser.Add("log-json", &settings.log.json, "JSON lines");
}

Completion ParseCompletion(const std::string& text) {
  if (text == "retry") return Completion::kRetry;
  if (text == "initiate") return Completion::kInitiate;
  if (text == "reinject") return Completion::kReinject;
  if (text == "hold") return Completion::kHold;
  return Completion::kSnifferDefault;
}

}  // namespace

ProvisionerOptions Settings::ToOptions() const {
  ProvisionerOptions options;
  options.coordinator.identity = identity;
  options.coordinator.completion = ParseCompletion(completion);
  options.coordinator.lookup_timeout = lookup_timeout;
  options.coordinator.max_lookups = max_lookups;
  options.eviction = eviction;
  options.evict_interval = evict_interval;
  options.sightings.gateway = identity.gateway;
  options.sightings.version = Version();
  options.sightings.interval = report_interval;
  return options;
}

bool Settings::UsesCache() const {
  if (cache != "auto") return cache == "on";
  const auto address = registry::ParseRegistryAddress(registry);
  return address && address->kind != "sqlite";
}

bool Settings::ShowsStatusPage() const {
  if (!metrics.listen) return false;
  if (status_page != "auto") return status_page == "on";
  return metrics::IsLoopback(metrics.listen->address);
}

std::variant<Settings, int> ReadSettings(int argc, const char* const* argv, std::ostream& out,
                                         std::ostream& err) {
  Settings settings;
  settings.identity.gateway = HostName();
  FileMode mode{settings.admin_access.mode};
  ConfigParser parser("jitwg-provisioner",
                      "Decides who may connect: watches the sniffer's handshakes, asks the "
                      "registry, and has peers installed and removed.");
  AddPlaces(parser, settings, mode);
  AddDecisions(parser, settings);
  AddCache(parser, settings);
  AddEviction(parser, settings);
  AddReports(parser, settings);
  AddMetrics(parser, settings);
  AddLogging(parser, settings);
  parser.Examples(kExamples);
  parser.Parse(argc, argv);
  if (!parser.HasFault("state-dir") && !settings.state_dir.starts_with('/')) {
    parser.AddFault("state-dir", "is an absolute path");
  }
  rpc::RequireTls(parser, "sniffer", settings.sniffer, settings.tls, rpc::TlsSide::kClient);
  rpc::RequireTls(parser, "admin-listen", settings.admin_listen, settings.tls,
                  rpc::TlsSide::kServer);
  metrics::CheckMetricsOptions(parser, settings.metrics);
  if (const auto exit_code = parser.Finish(out, err)) return *exit_code;
  settings.admin_access.mode = static_cast<mode_t>(mode.bits);
  return settings;
}

}  // namespace jitwg::provisioner
