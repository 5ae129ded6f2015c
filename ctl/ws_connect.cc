// `jitwgctl ws-connect`: the command line and the log of lib/ws_client.
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>

#include "ctl/command.h"
#include "lib/base/config_values.h"
#include "lib/base/log.h"
#include "lib/base/signals.h"
#include "lib/base/sodium.h"
#include "lib/ws_client/client.h"
#include "lib/ws_io/socket_address.h"

namespace jitwg::ctl {
namespace {

struct Options {
  std::string url;
  std::string ca_file;
  bool deployed = false;
  LogOptions log;
  ws::ClientOptions client;
};

bool IsLoopback(const IpAddress& address) {
  static const IpPrefix v4 = *IpPrefix::Parse("127.0.0.0/8");
  static const IpPrefix v6 = *IpPrefix::Parse("::1/128");
  return v4.Contains(address) || v6.Contains(address);
}

void AddOptions(ConfigParser& parser, Options& options) {
  parser.AddPositional("url", &options.url, "wss://HOST[:PORT][/PATH], or ws://... without TLS")
      .Required();
  parser
      .AddParsed("listen", &options.client.listen, ws::ParseEndpoint,
                 "the endpoint of the local WireGuard's peer; a loopback address")
      .ValueName("ADDRESS:PORT")
      .FlagOnly();
  parser
      .Add("ca-file", &options.ca_file,
           "who vouches for the server; the system's authorities by default")
      .ValueName("FILE")
      .FlagOnly();
  parser
      .Add("deployed", &options.deployed,
           "speak the older protocol: a stream of records in TEXT messages")
      .FlagOnly();
  parser
      .Add("fwmark", &options.client.dial.mark,
           "mark the connection's packets, so that routing rules keep them out of the tunnel")
      .ValueName("MARK")
      .FlagOnly();
  parser.Add("connect-timeout", &options.client.dial.timeout, "for one try to connect, all in all")
      .Range(std::chrono::milliseconds(100), std::chrono::minutes(5))
      .FlagOnly();
  parser.Add("log-level", &options.log.level, "what is told at least")
      .OneOf({"trace", "debug", "info", "warn", "error"})
      .FlagOnly();
  parser.Add("log-json", &options.log.json, "JSON lines").FlagOnly();
  parser.Examples(
      "  jitwgctl ws-connect wss://gateway.example.org --listen 127.0.0.1:51821\n"
      "  wg set wg0 peer KEY endpoint 127.0.0.1:51821\n\n"
      "Runs until SIGINT or SIGTERM; a connection that breaks is dialled again, after 5 s at "
      "most.\n"
      "Keep its own packets out of the tunnel: a route to the gateway, or --fwmark as the\n"
      "interface's.\n");
}

void Complete(ConfigParser& parser, Options& options) {
  if (!IsLoopback(options.client.listen.address)) {
    parser.AddFault("listen",
                    "must be a loopback address: whoever can send there can use the tunnel");
  }
  options.client.dial.variant = options.deployed ? ws::Variant::kRecords : ws::Variant::kDatagrams;
  if (options.url.empty()) return;
  auto url = ws::ParseUrl(options.url);
  if (!url) return parser.AddFault("url", url.error().message);
  options.client.dial.url = std::move(*url);
  if (!options.client.dial.url.tls) return;
  auto tls = ws::TlsContext::ForClient(options.ca_file);
  if (!tls) return parser.AddFault("ca-file", tls.error().message);
  options.client.tls = std::move(*tls);
}

ws::ClientEvents Log(const std::string& url) {
  return {
      [](const Endpoint& local) { spdlog::info("ws_connect_started listen={}", local.ToString()); },
      [url](const std::string& server) {
        spdlog::info("ws_connected url={} address={}", url, server);
      },
      [](const Error& error, std::chrono::milliseconds again_in) {
        spdlog::warn("ws_disconnected error=\"{}\" again_in={}", error.message,
                     FormatDuration(again_in));
      }};
}

Result<ws::Descriptor> TerminationDescriptor() {
  BlockTerminationSignals();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ws::Descriptor descriptor(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!descriptor.is_open()) return ErrnoError("signalfd", errno);
  return descriptor;
}

}  // namespace

int WsConnectCommand(const Arguments& arguments, Io io) {
  Options options;
  options.client.listen = *ws::ParseEndpoint("127.0.0.1:51821");
  ConfigParser parser("jitwgctl ws-connect",
                      "Makes a WireGuard of this machine reach its gateway through WebSockets: UDP "
                      "on a loopback address in, a connection to jitwg-ws-ingress out.",
                      ConfigParser::File::kNone);
  AddOptions(parser, options);
  parser.Parse(arguments);
  if (!parser.Ends()) Complete(parser, options);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;
  if (const Status logging = InitLogging(options.log); !logging) return Fail(io, logging.error());
  InitSodium();
  const auto stop = TerminationDescriptor();
  if (!stop) return Fail(io, stop.error());
  const Status ended = ws::RunClient(options.client, Log(options.url), stop->get());
  if (!ended) return Fail(io, ended.error());
  return kExitOk;
}

}  // namespace jitwg::ctl
