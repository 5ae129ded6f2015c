// `jitwgctl evict`: puts peers out that jitwg installed.
#include <chrono>
#include <cstdint>
#include <future>
#include <numeric>
#include <optional>
#include <ostream>

#include "ctl/command.h"
#include "ctl/daemons.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/progress.h"
#include "lib/rpc/convert.h"

namespace jitwg::ctl {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks(200);

struct EvictOptions {
  CommonOptions common;
  std::string text;
  std::chrono::milliseconds idle{0};
  bool all = false;
  bool yes = false;
  std::string interface;
};

bool Went(const v1::EvictResult& result) {
  return result.outcome() == v1::PEER_OUTCOME_REMOVED ||
         result.outcome() == v1::PEER_OUTCOME_ABSENT;
}

void PrintResult(const v1::EvictResult& result, const EvictOptions& options, std::ostream& out) {
  if (options.common.json) return PrintJson(out, ToJson(result));
  out << Clean(result.interface()) << "  " << KeyText(result.public_key()) << "  "
      << OutcomeText(result.outcome());
  if (!result.message().empty()) out << ": " << Clean(result.message());
  if (result.pinned()) {
    out << "  (pinned: comes back at the next comparison with the registry)";
  }
  out << "\n";
}

// How many jitwg installed; 0 when the sniffer does not say.
std::size_t InstalledPeers(const EvictOptions& options) {
  auto sniffer = SnifferClient::Make(options.common);
  if (!sniffer) return 0;
  const auto states = sniffer->Interfaces(options.interface);
  if (!states) return 0;
  return std::accumulate(
      states->begin(), states->end(), std::size_t{0},
      [](std::size_t sum, const auto& state) { return sum + state.own_peers(); });
}

std::optional<std::uint64_t> PutOutByOperators(ProvisionerClient& client) {
  const auto status = client.GetStatus();
  if (!status) return std::nullopt;
  const auto found = status->evictions().find("operator");
  return found == status->evictions().end() ? 0 : found->second;
}

// The call tells nothing before its end, so for somebody who looks on the provisioner's own count
// is asked for meanwhile.
Result<v1::EvictResponse> EvictShown(ProvisionerClient& client, const EvictOptions& options,
                                     const v1::EvictRequest& request, Io io) {
  if (!options.all || !Progress::Shows(io.err)) return client.Evict(request);
  const std::size_t total = InstalledPeers(options);
  const auto before = PutOutByOperators(client);
  if (total == 0 || !before) return client.Evict(request);
  Progress progress(io.err, "evicting", total);
  progress.At(0);
  auto answer = std::async(std::launch::async, [&] { return client.Evict(request); });
  while (answer.wait_for(kBetweenLooks) != std::future_status::ready) {
    const auto now = PutOutByOperators(client);
    // Fewer than before: the provisioner was restarted.
    if (now && *now >= *before) progress.At(*now - *before);
  }
  return answer.get();
}

int Evict(const EvictOptions& options, const v1::EvictRequest& request, Io io) {
  auto client = ProvisionerClient::Make(options.common);
  if (!client) return Fail(io, client.error());
  const auto answer = EvictShown(*client, options, request, io);
  if (!answer) return Fail(io, answer.error());
  bool well = true;
  for (const v1::EvictResult& result : answer->results()) {
    PrintResult(result, options, io.out);
    well = well && Went(result);
  }
  if (!answer->problem().empty()) {
    return Fail(io, {ErrorCode::kInternal, "not all were tried: " + Clean(answer->problem())});
  }
  if (answer->results().empty() && !request.public_key().empty()) {
    return Fail(io, {ErrorCode::kNotFound,
                     "jitwg has not installed that peer; `jitwgctl peers` "
                     "lists what the interfaces hold"});
  }
  if (answer->results().empty() && !options.common.json) io.out << "nobody had to go\n";
  return well ? kExitOk : kExitFailed;
}

// What is not said in the options' types: one of the three, and no slip of the finger.
void CheckOptions(ConfigParser& parser, const EvictOptions& options) {
  const int wishes =
      (options.text.empty() ? 0 : 1) + (options.idle.count() > 0 ? 1 : 0) + (options.all ? 1 : 0);
  if (wishes != 1) parser.AddFault("key", "say who is to go: KEY, --idle TIME, or --all");
  if (options.all && !options.yes) {
    parser.AddFault("all", "puts out every peer that jitwg installed; add --yes if you mean that");
  }
}

}  // namespace

int EvictCommand(const Arguments& arguments, Io io) {
  EvictOptions options;
  ConfigParser parser(
      "jitwgctl evict",
      "Puts peers out that jitwg installed; one that is still registered comes back "
      "at its next initiation.");
  parser.AddPositional("key", &options.text, "the peer's public key");
  parser.Add("idle", &options.idle, "all that gave no sign of life for longer").FlagOnly();
  parser.Add("all", &options.all, "all of them; only with --yes").FlagOnly();
  parser.Add("yes", &options.yes, "really all").FlagOnly();
  parser.Add("interface", &options.interface, "only of this interface")
      .Check(CheckInterfaceName)
      .ValueName("NAME")
      .FlagOnly();
  AddCommon(parser, options.common);
  parser.Examples(
      "  jitwgctl evict KEY\n"
      "  jitwgctl evict --idle 10m\n"
      "  jitwgctl evict --all --yes --interface wg0\n"
      "  jitwgctl peer revoke KEY                     to keep it out\n\n"
      "It never asks back, so that it does the same in a script. Peers made by hand are not "
      "touched.\n"
      "Exit codes: 0 all that were meant are out; 1 one is not, or there is no such peer; 3 the\n"
      "provisioner does not answer. JSON: one object per peer and line.\n");
  parser.Parse(arguments);
  const auto key = ParseKeyArgument(parser, options.text);
  CheckOptions(parser, options);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;

  v1::EvictRequest request;
  if (key) request.set_public_key(rpc::ToBytes(*key));
  if (options.idle.count() > 0) rpc::Fill(options.idle, request.mutable_idle_for());
  request.set_all(options.all);
  request.set_interface(options.interface);
  return Evict(options, request, io);
}

}  // namespace jitwg::ctl
