#include "ctl/cli.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <string_view>

#include "lib/base/version.h"

namespace jitwg::ctl {
namespace {

struct Entry {
  std::string_view name;  // one word, or "peer WORD", "db WORD"
  std::string_view summary;
  Command run;
};

constexpr std::array<Entry, 21> kCommands = {{
    {"status", "both daemons, the interfaces, counters by reason", StatusCommand},
    {"peers", "what the WireGuard interfaces hold", PeersCommand},
    {"watch", "events, decisions and evictions as they happen", WatchCommand},
    {"decisions", "what was decided lately, and what is being decided", DecisionsCommand},
    {"explain", "why a key gets in or not", ExplainCommand},
    {"evict", "put peers out that jitwg installed", EvictCommand},
    {"forget-timestamp", "let a client in whose clock went backwards", ForgetTimestampCommand},
    {"peer add", "allow a key to connect, or change what it may", PeerAddCommand},
    {"peer import", "the same for all peers of a file", PeerImportCommand},
    {"peer list", "who may connect", PeerListCommand},
    {"peer show", "one peer of the registry", PeerShowCommand},
    {"peer revoke", "take a peer out of the registry", PeerRevokeCommand},
    {"db migrate", "bring a PostgreSQL registry's schema up to date", DbMigrateCommand},
    {"db status", "which migrations it has and lacks", DbStatusCommand},
    {"gateway up", "make the WireGuard interfaces that a sniffer serves", GatewayUpCommand},
    {"gateway down", "remove them", GatewayDownCommand},
    {"gateway show", "what they are, and what is not as configured", GatewayShowCommand},
    {"decode", "the handshake initiations of a capture file", DecodeCommand},
    {"certs init", "a development CA and certificates for mutual TLS", CertsInitCommand},
    {"ws-connect", "carry a WireGuard of this machine through WebSockets", WsConnectCommand},
    {"completion", "completion for a shell: bash, zsh or fish", CompletionCommand},
}};

constexpr std::string_view kExamples = R"(
Options (before or behind the command):
  --sniffer ADDRESS    the sniffer's socket            unix:/run/jitwg/sniffer.sock
  --admin ADDRESS      the provisioner's admin socket  unix:/run/jitwg/admin.sock
  --registry ADDRESS   the registry of peers           sqlite:/var/lib/jitwg/registry.db
                       or postgresql://USER@HOST/DATABASE, or 'postgres:host=... dbname=...',
                       or https://HOST:PORT of a peer API, with --registry-token-file
  --tls-ca, --tls-cert, --tls-key FILE   for --sniffer and --admin given as HOST:PORT
  --json               JSON instead of text: one object, or one object per line for lists and streams
  --config FILE        TOML file with these options; environment: JITWG_SNIFFER and so on
  --version            show the version, then exit

Examples:
  jitwgctl gateway up --interface wg0 --allow wg0=10.8.0.0/16 --address 10.8.0.1/16
  jitwgctl status                                     is all well?
  jitwgctl peer add --public-key KEY --allowed-ips 10.8.0.2/32,fd08::2/128 --name laptop
  jitwgctl peer import peers.csv                      all of a file, or none
  jitwgctl watch                                      see the client of that key come in
  jitwgctl peers --interface wg0                      who is in now
  jitwgctl explain KEY                                it does not get in: why?
  jitwgctl peer revoke KEY                            put it out
  jitwgctl --json peer list | jq -r .public_key       for scripts
  jitwgctl decode capture.pcap --private-key-file wg0.key
  jitwgctl certs init ./certs --name gw1.example.org  the parts on several machines
  jitwgctl ws-connect wss://gateway.example.org --listen 127.0.0.1:51821

Exit codes: 0 done; 1 refused, not found or incomplete; 2 wrong usage; 3 a daemon or the registry
does not answer. Data goes to standard output, complaints go to standard error.
`jitwgctl COMMAND --help` says more.
)";

void PrintHelp(std::ostream& out) {
  out << "The operator's hand on a just-in-time WireGuard gateway.\n"
         "Usage: jitwgctl [OPTIONS] COMMAND [OPTIONS]\n\nCommands:\n";
  for (const Entry& entry : kCommands) {
    out << "  " << entry.name << std::string(18 - entry.name.size(), ' ') << entry.summary << "\n";
  }
  out << kExamples;
}

bool TakesValue(std::string_view argument) {
  return argument == "--sniffer" || argument == "--admin" || argument == "--registry" ||
         argument == "--registry-token-file" || argument == "--registry-ca-file" ||
         argument == "--config" || argument == "--tls-ca" || argument == "--tls-cert" ||
         argument == "--tls-key" || argument == "--tls-server-name";
}

// Where the next word that is no option (nor an option's value) stands.
std::size_t NextWord(const Arguments& arguments, std::size_t from) {
  while (from < arguments.size()) {
    const std::string& argument = arguments[from];
    if (argument.empty() || argument.front() != '-') break;
    from += TakesValue(argument) ? 2 : 1;
  }
  return std::min(from, arguments.size());
}

const Entry* FindCommand(std::string_view name) {
  const auto* found = std::find_if(kCommands.begin(), kCommands.end(),
                                   [&](const Entry& entry) { return entry.name == name; });
  return found == kCommands.end() ? nullptr : found;
}

int Unknown(const std::string& name, Io io) {
  const std::string nearest = NearestName(name, CommandNames());
  io.err << "jitwgctl: unknown command " << Quoted(name)
         << (nearest.empty() ? "; see jitwgctl --help" : "; did you mean '" + nearest + "'?")
         << "\n";
  return kExitUsage;
}

bool Has(const Arguments& arguments, std::string_view flag) {
  return std::find(arguments.begin(), arguments.end(), flag) != arguments.end();
}

int RunWithoutCommand(const Arguments& arguments, Io io) {
  if (Has(arguments, "--help") || Has(arguments, "-h")) {
    PrintHelp(io.out);
    return kExitOk;
  }
  if (Has(arguments, "--version")) {
    io.out << "jitwgctl " << Version() << "\n";
    return kExitOk;
  }
  io.err << "jitwgctl: no command given; see jitwgctl --help\n";
  return kExitUsage;
}

// The words that follow a first word which is no command by itself.
std::vector<std::string_view> WordsOf(const std::string& group) {
  std::vector<std::string_view> words;
  for (const Entry& entry : kCommands) {
    const bool member = entry.name.size() > group.size() && entry.name[group.size()] == ' ' &&
                        entry.name.substr(0, group.size()) == group;
    if (member) words.push_back(entry.name.substr(group.size() + 1));
  }
  return words;
}

bool IsGroup(const std::string& name) { return !WordsOf(name).empty(); }

int RunGroup(const std::string& group, const Arguments& arguments, Io io) {
  const bool help = Has(arguments, "--help") || Has(arguments, "-h");
  const auto words = WordsOf(group);
  std::ostream& out = help ? io.out : io.err;
  out << "jitwgctl: " << group << " takes one of ";
  for (const std::string_view word : words) out << (word == words.front() ? "" : ", ") << word;
  out << "; each has --help, like jitwgctl " << group << " " << words.front() << " --help\n";
  return help ? kExitOk : kExitUsage;
}

}  // namespace

std::vector<std::string> CommandNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kCommands) names.emplace_back(entry.name);
  return names;
}

int Run(const Arguments& arguments, Io io) {
  Arguments rest = arguments;
  const std::size_t first = NextWord(rest, 0);
  if (first == rest.size()) return RunWithoutCommand(arguments, io);
  std::string name = rest[first];
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(first));
  if (name == "help") {
    PrintHelp(io.out);
    return kExitOk;
  }
  if (IsGroup(name)) {
    const std::size_t second = NextWord(rest, first);
    if (second == rest.size()) return RunGroup(name, rest, io);
    name += " " + rest[second];
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(second));
  }
  const Entry* entry = FindCommand(name);
  if (entry == nullptr) return Unknown(name, io);
  const int code = entry->run(rest, io);
  io.out.flush();
  if (code == kExitOk && !io.out.good()) {
    return Fail(io, {ErrorCode::kInternal, "standard output does not take the output"});
  }
  return code;
}

}  // namespace jitwg::ctl
