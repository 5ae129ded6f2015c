// `jitwgctl peer list`, `peer show` and `peer revoke`: the registry's peers. Only `show --secrets`
// prints a preshared key.
#include <chrono>
#include <ostream>

#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/json.h"

namespace jitwg::ctl {
namespace {

std::string StateOf(const registry::Peer& peer) {
  if (!peer.enabled) return "disabled";
  if (peer.expires_at && *peer.expires_at <= SystemClock().WallNow()) return "expired";
  return peer.pinned ? "pinned" : "enabled";
}

std::vector<std::string> Row(const registry::Peer& peer) {
  return {peer.public_key.ToBase64(),
          peer.name,
          peer.network,
          FormatPrefixes(peer.allowed_ips, ","),
          StateOf(peer),
          peer.preshared_key ? "yes" : "no",
          peer.expires_at ? FormatTime(*peer.expires_at) : ""};
}

// Gives every peer to `take`, page by page.
template <class Take>
Status ForEachPeer(registry::Registry& registry, const std::string& network, const Take& take) {
  registry::ListQuery query;
  query.network = network;
  query.limit = registry::kMaxListLimit;
  for (;;) {
    const auto page = registry.List(query);
    if (!page) return page.error();
    for (const registry::Peer& peer : *page) take(peer);
    if (page->size() < query.limit) return {};
    query.after = page->back().public_key;
  }
}

// The options of the two commands that take a KEY.
struct KeyOptions {
  CommonOptions common;
  std::string text;
  PublicKey key;
  bool secrets = false;
};

std::optional<int> ParseKeyOptions(ConfigParser& parser, KeyOptions& options,
                                   const Arguments& arguments, Io io) {
  parser.AddPositional("key", &options.text, "the peer's public key").Required();
  AddCommon(parser, options.common);
  parser.Parse(arguments);
  if (!options.text.empty()) {
    const auto key = ParsePublicKey(options.text);
    if (!key) parser.AddFault("key", key.error().message);
    if (key) options.key = *key;
  }
  return parser.Finish(io.out, io.err);
}

void PrintFields(const registry::Peer& peer, bool secrets, std::ostream& out) {
  const auto field = [&](const std::string& name, const std::string& value) {
    out << name << std::string(16 - name.size(), ' ') << (value.empty() ? "-" : Clean(value))
        << "\n";
  };
  field("public key", peer.public_key.ToBase64());
  field("name", peer.name);
  field("network", peer.network);
  field("allowed ips", FormatPrefixes(peer.allowed_ips, ","));
  field("state", StateOf(peer));
  field("pinned", peer.pinned ? "yes" : "no");
  field("gateway", peer.gateway.empty() ? "any" : peer.gateway);
  field("keepalive",
        peer.persistent_keepalive == 0 ? "off" : std::to_string(peer.persistent_keepalive) + " s");
  field("expires", peer.expires_at ? FormatTime(*peer.expires_at) : "never");
  field("created", FormatTime(peer.created_at));
  field("updated", FormatTime(peer.updated_at));
  if (!secrets || !peer.preshared_key) {
    field("preshared key", peer.preshared_key ? "yes (--secrets shows it)" : "no");
    return;
  }
  std::string text = SecretToBase64(*peer.preshared_key);
  out << "preshared key   " << text << "\n";
  WipeString(text);
}

void PrintJsonWithSecret(const registry::Peer& peer, bool secrets, std::ostream& out) {
  Json json = ToJson(peer);
  if (secrets && peer.preshared_key) json["preshared_key"] = SecretToBase64(*peer.preshared_key);
  PrintJson(out, json);
  if (json.contains("preshared_key")) {
    WipeString(json["preshared_key"].get_ref<Json::string_t&>());
  }
}

}  // namespace

int PeerListCommand(const Arguments& arguments, Io io) {
  CommonOptions common;
  std::string network;
  ConfigParser parser("jitwgctl peer list", "Lists who may connect.");
  parser.Add("network", &network, "only this network").FlagOnly();
  AddCommon(parser, common);
  parser.Examples(
      "  jitwgctl peer list\n"
      "  jitwgctl --json peer list --network default | jq -r .public_key\n\n"
      "JSON: one object per peer and line.\n");
  parser.Parse(arguments);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;

  auto registry = OpenRegistry(common, io);
  if (!registry) return Fail(io, registry.error());
  Table table({"public key", "name", "network", "allowed ips", "state", "psk", "expires"});
  const auto listed = ForEachPeer(**registry, network, [&](const registry::Peer& peer) {
    if (common.json) {
      PrintJson(io.out, ToJson(peer));
    } else {
      table.Add(Row(peer));
    }
  });
  if (!common.json) table.Print(io.out);
  if (!listed) return Fail(io, listed.error());
  return kExitOk;
}

int PeerShowCommand(const Arguments& arguments, Io io) {
  KeyOptions options;
  ConfigParser parser("jitwgctl peer show", "Shows one peer of the registry.");
  parser.Add("secrets", &options.secrets, "show the preshared key too").FlagOnly();
  parser.Examples(
      "  jitwgctl peer show KEY\n"
      "  jitwgctl peer show KEY --secrets\n"
      "  jitwgctl --json peer show KEY | jq .allowed_ips\n\n"
      "Exit codes: 0 shown; 1 no such peer.\n");
  if (const auto code = ParseKeyOptions(parser, options, arguments, io)) return *code;

  auto registry = OpenRegistry(options.common, io);
  if (!registry) return Fail(io, registry.error());
  const auto found = FindPeer(**registry, options.key);
  if (!found) return Fail(io, found.error());
  if (!*found) {
    return Fail(io, registry::NoSuchPeer(options.key));
  }
  if (options.common.json) {
    PrintJsonWithSecret(**found, options.secrets, io.out);
  } else {
    PrintFields(**found, options.secrets, io.out);
  }
  return kExitOk;
}

int PeerRevokeCommand(const Arguments& arguments, Io io) {
  KeyOptions options;
  ConfigParser parser(
      "jitwgctl peer revoke",
      "Takes a peer out of the registry; a running provisioner puts it out at once.");
  parser.Examples(
      "  jitwgctl peer revoke KEY\n\n"
      "Exit codes: 0 revoked; 1 no such peer.\n"
      "To keep its settings, disable it instead: peer add ... --replace --disabled\n");
  if (const auto code = ParseKeyOptions(parser, options, arguments, io)) return *code;

  auto registry = OpenRegistry(options.common, io);
  if (!registry) return Fail(io, registry.error());
  const auto removed = (*registry)->Remove(options.key);
  if (!removed) return Fail(io, removed.error());
  if (options.common.json) {
    PrintJson(io.out, {{"revoked", options.key.ToBase64()}});
  } else {
    io.out << "revoked " << options.key.ToBase64() << "\n";
  }
  return kExitOk;
}

}  // namespace jitwg::ctl
