// `jitwgctl peers`: what the WireGuard interfaces hold now, as the sniffer sees it. Changes
// nothing.
#include <ostream>

#include "ctl/command.h"
#include "ctl/daemons.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "lib/rpc/convert.h"

namespace jitwg::ctl {
namespace {

struct PeersOptions {
  CommonOptions common;
  std::string interface;
  bool own = false;
};

std::string HandshakeAge(const v1::PeerState& peer) {
  if (!peer.has_last_handshake()) return "never";
  const auto age = SystemClock().WallNow() - rpc::ToWallTime(peer.last_handshake());
  return FormatAge(std::chrono::duration_cast<std::chrono::seconds>(age)) + " ago";
}

std::vector<std::string> Row(const std::string& interface, const v1::PeerState& peer) {
  std::string prefixes;
  for (const std::string& prefix : PrefixTexts(peer.allowed_ips())) {
    prefixes += (prefixes.empty() ? "" : ",") + prefix;
  }
  return {interface,
          KeyText(peer.public_key()),
          peer.own() ? "own" : "foreign",
          peer.has_endpoint() ? EndpointText(peer.endpoint()) : "",
          HandshakeAge(peer),
          FormatBytes(peer.rx_bytes()),
          FormatBytes(peer.tx_bytes()),
          prefixes};
}

void PrintJsonPeers(const std::string& interface, const SnifferClient::Peers& listed,
                    std::ostream& out) {
  for (const v1::PeerState& peer : listed.peers) {
    Json json = {{"interface", interface}};
    json.update(ToJson(peer));
    PrintJson(out, json);
  }
}

int PrintPeers(const PeersOptions& options, SnifferClient& client, Io io) {
  const auto interfaces = client.Interfaces(options.interface);
  if (!interfaces) return Fail(io, interfaces.error());
  Table table({"interface", "public key", "whose", "endpoint", "handshake", "received", "sent",
               "allowed ips"});
  int code = kExitOk;
  for (const v1::InterfaceState& state : *interfaces) {
    const auto listed = client.ListPeers(state.interface(), options.own);
    if (!listed) {
      code = std::max(code, Fail(io, listed.error()));
      continue;
    }
    if (options.common.json) PrintJsonPeers(state.interface(), *listed, io.out);
    for (const auto& peer : listed->peers) table.Add(Row(state.interface(), peer));
    if (listed->interrupted) {
      io.err << "jitwgctl: the peers of " << Clean(state.interface())
             << " changed while they were read; one may be missing or stale\n";
    }
  }
  if (!options.common.json) table.Print(io.out);
  return code;
}

}  // namespace

int PeersCommand(const Arguments& arguments, Io io) {
  PeersOptions options;
  ConfigParser parser("jitwgctl peers", "Lists the peers that the WireGuard interfaces hold now.");
  parser.Add("interface", &options.interface, "only this interface")
      .Check(CheckInterfaceName)
      .ValueName("NAME")
      .FlagOnly();
  parser.Add("own", &options.own, "only the peers that jitwg installed").FlagOnly();
  AddCommon(parser, options.common);
  parser.Examples(
      "  jitwgctl peers\n"
      "  jitwgctl peers --interface wg0 --own\n"
      "  jitwgctl --json peers | jq -r 'select(.own) | .public_key'\n\n"
      "`own` peers were installed by jitwg, `foreign` ones by hand: these are never touched.\n"
      "JSON: one object per peer and line.\n");
  parser.Parse(arguments);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;

  auto client = SnifferClient::Make(options.common);
  if (!client) return Fail(io, client.error());
  return PrintPeers(options, *client, io);
}

}  // namespace jitwg::ctl
