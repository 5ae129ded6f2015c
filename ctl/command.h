// What all commands of jitwgctl share: exit codes, where output goes, the common options.
#pragma once

#include <chrono>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/config.h"
#include "lib/base/result.h"
#include "lib/registry/factory.h"
#include "lib/registry/registry.h"
#include "lib/rpc/tls_options.h"

namespace jitwg::ctl {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;       // refused, not found, or incomplete
inline constexpr int kExitUsage = 2;        // the command line is wrong
inline constexpr int kExitUnreachable = 3;  // a daemon does not answer

// How long a daemon may take to answer.
inline constexpr std::chrono::seconds kCallTimeout(5);

// Data goes to `out`, complaints to `err`.
struct Io {
  std::ostream& out;
  std::ostream& err;
};

struct CommonOptions {
  std::string sniffer = "unix:/run/jitwg/sniffer.sock";
  std::string admin = "unix:/run/jitwg/admin.sock";
  std::string registry = "sqlite:/var/lib/jitwg/registry.db";
  registry::HttpCredentials registry_http;
  rpc::TlsOptions tls;
  bool json = false;
};

using Arguments = std::vector<std::string>;
using Command = int (*)(const Arguments& arguments, Io io);

// Adds --sniffer, --admin with --tls-..., --registry with its files and --json, which every command
// accepts, by environment and file too.
void AddCommon(ConfigParser& parser, CommonOptions& options);

// Prints "jitwgctl: <message>" to `err`. Returns the exit code for the error.
int Fail(Io io, const Error& error);

// Opens the registry of the options. One that is absent is made, and that is said on `err`: a
// mistyped path would otherwise look like an empty registry.
Result<std::unique_ptr<registry::Registry>> OpenRegistry(const CommonOptions& options, Io io);

// Registry::Find, waited for.
Result<std::optional<registry::Peer>> FindPeer(registry::Registry& registry, const PublicKey& key);

// The key in `text`, which may be empty; what is no key becomes a fault of the option `key`.
std::optional<PublicKey> ParseKeyArgument(ConfigParser& parser, const std::string& text);

// The commands, each in a file of its own.
int StatusCommand(const Arguments& arguments, Io io);
int PeersCommand(const Arguments& arguments, Io io);
int WatchCommand(const Arguments& arguments, Io io);
int DecisionsCommand(const Arguments& arguments, Io io);
int ExplainCommand(const Arguments& arguments, Io io);
int EvictCommand(const Arguments& arguments, Io io);
int ForgetTimestampCommand(const Arguments& arguments, Io io);
int PeerAddCommand(const Arguments& arguments, Io io);
int PeerImportCommand(const Arguments& arguments, Io io);
int PeerListCommand(const Arguments& arguments, Io io);
int PeerShowCommand(const Arguments& arguments, Io io);
int PeerRevokeCommand(const Arguments& arguments, Io io);
int DbMigrateCommand(const Arguments& arguments, Io io);
int DbStatusCommand(const Arguments& arguments, Io io);
int GatewayUpCommand(const Arguments& arguments, Io io);
int GatewayDownCommand(const Arguments& arguments, Io io);
int GatewayShowCommand(const Arguments& arguments, Io io);
int DecodeCommand(const Arguments& arguments, Io io);
int CertsInitCommand(const Arguments& arguments, Io io);
int CompletionCommand(const Arguments& arguments, Io io);
int WsConnectCommand(const Arguments& arguments, Io io);

}  // namespace jitwg::ctl
