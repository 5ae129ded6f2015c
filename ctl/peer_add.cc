// `jitwgctl peer add`: writes one peer to the registry. Talks to no daemon: the provisioner notices
// by itself.
#include <ostream>

#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/json.h"

namespace jitwg::ctl {
namespace {

struct PeerAddOptions {
  CommonOptions common;
  registry::Peer peer;
  std::string psk_file;
  bool disabled = false;
  bool replace = false;
};

void AddOptions(ConfigParser& parser, PeerAddOptions& options) {
  registry::Peer& peer = options.peer;
  parser.AddParsed("public-key", &peer.public_key, ParsePublicKey, "the client's public key")
      .ValueName("KEY")
      .FlagOnly()
      .Required();
  parser
      .AddParsed("allowed-ips", &peer.allowed_ips, ParseExactPrefix,
                 "the client's addresses inside the tunnel")
      .ValueName("PREFIX")
      .FlagOnly()
      .Required();
  parser.Add("psk-file", &options.psk_file, "file with the preshared key, as `wg genpsk` prints it")
      .ValueName("FILE")
      .FlagOnly();
  parser.Add("name", &peer.name, "for people").FlagOnly();
  parser.Add("network", &peer.network, "addresses are unique inside a network").FlagOnly();
  parser.Add("gateway", &peer.gateway, "only the gateway of this name may serve it").FlagOnly();
  parser.Add("keepalive", &peer.persistent_keepalive, "persistent keepalive in seconds; 0: off")
      .FlagOnly();
  parser.AddParsed("expires", &peer.expires_at, ParseTime, "refused from this moment on (UTC)")
      .ValueName("TIME")
      .FlagOnly();
  parser.Add("pinned", &peer.pinned, "installed at start, never evicted for being idle").FlagOnly();
  parser.Add("disabled", &options.disabled, "known, but may not connect").FlagOnly();
  parser
      .Add("replace", &options.replace,
           "replace all settings of a peer that is there; what is not given is reset")
      .FlagOnly();
}

void Check(ConfigParser& parser, PeerAddOptions& options) {
  options.peer.enabled = !options.disabled;
  if (!options.psk_file.empty()) {
    auto key = ReadSecretKeyFile(options.psk_file);
    if (!key) parser.AddFault("psk-file", key.error().message);
    if (key) options.peer.preshared_key = std::move(*key);
  }
  // With other faults the peer is not complete, and this would only add confusion.
  if (!parser.faults().empty()) return;
  const auto valid = registry::Validate(options.peer);
  if (!valid) parser.AddFault("this peer cannot be stored", valid.error().message);
}

}  // namespace

int PeerAddCommand(const Arguments& arguments, Io io) {
  PeerAddOptions options;
  ConfigParser parser("jitwgctl peer add", "Allows a key to connect.");
  AddOptions(parser, options);
  AddCommon(parser, options.common);
  parser.Examples(
      "  jitwgctl peer add --public-key KEY --allowed-ips 10.8.0.2/32,fd08::2/128 --name laptop\n"
      "  jitwgctl peer add --public-key KEY --allowed-ips 10.8.0.3/32 --psk-file laptop.psk\n"
      "  jitwgctl peer add --public-key KEY --allowed-ips 10.8.0.4/32 --expires 2027-01-01\n"
      "  jitwgctl peer add --public-key KEY --allowed-ips 10.8.0.5/32 --replace\n\n"
      "Exit codes: 0 stored; 1 refused (the key or an address is taken); 2 wrong usage.\n"
      "Options of the peer itself are flags only. JSON: the stored peer.\n");
  parser.Parse(arguments);
  if (!parser.Ends()) Check(parser, options);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;

  auto registry = OpenRegistry(options.common, io);
  if (!registry) return Fail(io, registry.error());
  const auto put = (*registry)->Put(options.peer, options.replace);
  if (!put) return Fail(io, put.error());
  if (options.common.json) {
    options.peer.created_at = options.peer.updated_at = SystemClock().WallNow();
    const auto stored = FindPeer(**registry, options.peer.public_key);
    PrintJson(io.out, ToJson(stored && *stored ? **stored : options.peer));
  } else {
    io.out << "stored " << options.peer.public_key.ToBase64() << " with "
           << FormatPrefixes(options.peer.allowed_ips, ",") << " in network "
           << options.peer.network << "\n";
  }
  return kExitOk;
}

}  // namespace jitwg::ctl
