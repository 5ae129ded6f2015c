// `jitwgctl status`: both daemons at a glance. Changes nothing.
#include <map>
#include <optional>
#include <ostream>

#include "ctl/command.h"
#include "ctl/daemons.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "lib/base/version.h"
#include "lib/rpc/convert.h"

namespace jitwg::ctl {
namespace {

struct SnifferView {
  v1::GetStatisticsResponse statistics;
  std::vector<v1::InterfaceState> interfaces;
};

Result<SnifferView> AskSniffer(const CommonOptions& common) {
  auto client = SnifferClient::Make(common);
  if (!client) return client.error();
  auto statistics = client->Statistics();
  if (!statistics) return statistics.error();
  auto interfaces = client->Interfaces("");
  if (!interfaces) return interfaces.error();
  return SnifferView{std::move(*statistics), std::move(*interfaces)};
}

Result<v1::StatusResponse> AskProvisioner(const CommonOptions& common) {
  auto client = ProvisionerClient::Make(common);
  if (!client) return client.error();
  return client->GetStatus();
}

std::string Uptime(bool known, const google::protobuf::Timestamp& started_at) {
  if (!known) return "up for an unknown time";
  const auto age = SystemClock().WallNow() - rpc::ToWallTime(started_at);
  return "up " + FormatAge(std::chrono::duration_cast<std::chrono::seconds>(age));
}

// "installed 3, unknown_key 1", in the order of the names; "none" when there is nothing.
template <class Counters>
std::string CountersText(const Counters& counters) {
  std::string text;
  for (const auto& [name, count] :
       std::map<std::string, std::uint64_t>(counters.begin(), counters.end())) {
    text += (text.empty() ? "" : ", ") + Clean(name) + " " + std::to_string(count);
  }
  return text.empty() ? "none" : text;
}

void PrintInterfaces(const std::vector<v1::InterfaceState>& interfaces, std::ostream& out) {
  Table table({"interface", "state", "public key", "port", "backend", "own peers", "may route"});
  for (const v1::InterfaceState& state : interfaces) {
    std::string prefixes;
    for (const std::string& prefix : PrefixTexts(state.allowed_prefixes())) {
      prefixes += (prefixes.empty() ? "" : " ") + prefix;
    }
    table.Add({state.interface(),
               !state.present()          ? "missing"
               : state.problem().empty() ? "served"
                                         : "problem",
               KeyText(state.public_key()), std::to_string(state.listen_port()), state.backend(),
               std::to_string(state.own_peers()) + " of " + std::to_string(state.max_peers()),
               prefixes});
  }
  table.Print(out, "  ");
  for (const v1::InterfaceState& state : interfaces) {
    if (!state.problem().empty()) {
      out << "  " << Clean(state.interface()) << ": " << Clean(state.problem()) << "\n";
    }
  }
}

void PrintSniffer(const SnifferView& view, std::ostream& out) {
  const auto& statistics = view.statistics;
  out << "sniffer: version "
      << (statistics.version().empty() ? "unknown" : Clean(statistics.version())) << ", "
      << Uptime(statistics.has_started_at(), statistics.started_at()) << ", "
      << statistics.watchers() << (statistics.watchers() == 1 ? " watcher" : " watchers") << ", "
      << statistics.events_dropped() << " events dropped\n";
  out << "  packets: captured " << statistics.captured() << ", dropped by the kernel "
      << statistics.kernel_dropped() << "\n";
  out << "  initiations: " << CountersText(statistics.initiations()) << "\n";
  const v1::CompletionStatus& completion = statistics.completion();
  out << "  completion: " << Clean(completion.strategy());
  if (!completion.why_not_better().empty()) {
    out << " (no better one: " << Clean(completion.why_not_better()) << ")";
  }
  out << ", held now " << completion.held() << ", reinjected " << completion.reinjected()
      << ", failed " << completion.reinject_failed() << "; let go "
      << CountersText(completion.let_go()) << "\n";
  if (statistics.has_outbound()) {
    const v1::OutboundStatus& outbound = statistics.outbound();
    out << "  outbound packets: " << CountersText(outbound.packets()) << "; dropped by the kernel "
        << outbound.kernel_dropped() << "; last endpoints known " << outbound.endpoints() << "\n";
  }
  PrintInterfaces(view.interfaces, out);
}

std::string Health(bool well, const std::string& good, const std::string& bad,
                   const std::string& problem) {
  if (well) return good;
  return bad + (problem.empty() ? "" : ": " + Clean(problem));
}

void PrintProvisioner(const v1::StatusResponse& status, std::ostream& out) {
  out << "provisioner: version " << Clean(status.version()) << ", "
      << Uptime(status.has_started_at(), status.started_at()) << "\n";
  out << "  sniffer: "
      << Health(status.sniffer_connected(), "connected", "not connected", status.sniffer_problem())
      << ", " << status.sniffer_reconnects() << " reconnects, " << status.events_dropped()
      << " events dropped\n";
  out << "  registry: " << Clean(status.registry_kind()) << ", "
      << Health(status.registry_healthy(), "healthy", "failing", status.registry_problem()) << ", "
      << status.registry_lookups() << " look-ups, " << status.lookups_in_flight() << " in flight\n";
  if (status.has_cache()) {
    const v1::CacheStatus& cache = status.cache();
    out << "  cache: " << cache.entries() << " peers, " << cache.served()
        << " answers while the registry was away"
        << (cache.registry_away() ? ", which it is now" : "");
    if (cache.write_failures() != 0) out << ", " << cache.write_failures() << " failures to write";
    out << "\n";
  }
  out << "  decisions: " << CountersText(status.decisions()) << "\n";
  out << "  evictions: " << CountersText(status.evictions()) << "\n";
  const auto received = status.outbound().find("received");
  if (received != status.outbound().end() && received->second != 0) {
    out << "  outbound: " << CountersText(status.outbound()) << "\n";
  }
}

// Parts of several versions may misunderstand one another, and the numbers above as well.
void WarnOfVersions(const Result<SnifferView>& sniffer,
                    const Result<v1::StatusResponse>& provisioner, Io io) {
  const auto warn = [&](const char* what, const std::string& version) {
    if (version == Version()) return;
    io.err << "jitwgctl: the " << what << " is of "
           << (version.empty() ? "an older version" : "version " + Clean(version))
           << ", this jitwgctl of " << Version()
           << "; upgrade all programs of a gateway together, and restart them\n";
  };
  if (sniffer) warn("sniffer", sniffer->statistics.version());
  if (provisioner) warn("provisioner", provisioner->version());
}

Json SnifferJson(const Result<SnifferView>& view, const std::string& address) {
  Json json = {{"address", address}, {"reachable", view.has_value()}};
  if (!view) {
    json["problem"] = view.error().message;
    return json;
  }
  json.update(ToJson(view->statistics));
  json["interfaces"] = Json::array();
  for (const auto& state : view->interfaces) json["interfaces"].push_back(ToJson(state));
  return json;
}

Json ProvisionerJson(const Result<v1::StatusResponse>& status, const std::string& address) {
  Json json = {{"address", address}, {"reachable", status.has_value()}};
  if (!status) {
    json["problem"] = status.error().message;
    return json;
  }
  json.update(ToJson(*status));
  return json;
}

}  // namespace

int StatusCommand(const Arguments& arguments, Io io) {
  CommonOptions common;
  ConfigParser parser("jitwgctl status",
                      "Shows both daemons, the interfaces and what was counted.");
  AddCommon(parser, common);
  parser.Examples(
      "  jitwgctl status\n"
      "  jitwgctl --json status | jq .provisioner.decisions.installed\n"
      "  jitwgctl status >/dev/null || echo 'something is down'\n\n"
      "Exit codes: 0 both daemons answer; 3 one does not (what the other says is shown).\n"
      "JSON: one object, `sniffer` and `provisioner`, each with `reachable`.\n");
  parser.Parse(arguments);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;

  const auto sniffer = AskSniffer(common);
  const auto provisioner = AskProvisioner(common);
  if (common.json) {
    PrintJson(io.out, {{"sniffer", SnifferJson(sniffer, common.sniffer)},
                       {"provisioner", ProvisionerJson(provisioner, common.admin)}});
  } else {
    if (sniffer) PrintSniffer(*sniffer, io.out);
    if (provisioner) PrintProvisioner(*provisioner, io.out);
  }
  WarnOfVersions(sniffer, provisioner, io);
  int code = kExitOk;
  if (!sniffer) code = Fail(io, sniffer.error());
  if (!provisioner) code = std::max(code, Fail(io, provisioner.error()));
  return code;
}

}  // namespace jitwg::ctl
