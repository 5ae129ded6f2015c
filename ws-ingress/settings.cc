#include "ws-ingress/settings.h"

#include <algorithm>
#include <thread>

#include "lib/base/config.h"
#include "lib/ws_io/socket_address.h"
#include "ws-ingress/source.h"

namespace jitwg::ingress {
namespace {

constexpr const char* kExamples =
    "  # on the gateway, for clients whose network eats UDP\n"
    "  jitwg-ws-ingress --listen 0.0.0.0:443 --listen [::]:443 --tls-cert cert.pem --tls-key "
    "key.pem\n"
    "  # behind a proxy on this host that ends TLS and tells who calls\n"
    "  jitwg-ws-ingress --listen 127.0.0.1:8081 --plain --trusted-proxy 127.0.0.1/32\n"
    "  # a client; its WireGuard's endpoint is then 127.0.0.1:51821\n"
    "  jitwgctl ws-connect wss://gateway.example.org --listen 127.0.0.1:51821\n\n"
    "SIGUSR1 logs the counters. SIGTERM drains, a second one ends at once.\n";

// Works for every target on this host: Linux lets anybody bind any address of 127.0.0.0/8.
constexpr const char* kLoopbackPrefix = "127.64.0.0/10";

void AddWays(ConfigParser& parser, Settings& settings, std::string& source_prefix) {
  parser.AddParsed("listen", &settings.listen, ws::ParseEndpoint, "where clients connect")
      .ValueName("ADDRESS:PORT")
      .Required();
  parser.Add("path", &settings.path, "the only path that is served").ValueName("PATH");
  parser.Add("tls-cert", &settings.tls_cert, "PEM file with the chain; read again when it changes")
      .ValueName("FILE");
  parser.Add("tls-key", &settings.tls_key, "PEM file with its private key").ValueName("FILE");
  parser.Add("plain", &settings.plain, "no TLS: something in front of it has ended that");
  parser
      .AddParsed("trusted-proxy", &settings.trusted_proxies, ParseExactPrefix,
                 "connections from there carry the client's address in X-Forwarded-For")
      .ValueName("PREFIX");
  parser
      .AddParsed("target", &settings.target, ws::ParseEndpoint,
                 "the gateway's WireGuard: address and UDP port")
      .ValueName("ADDRESS:PORT");
  parser
      .Add("source-prefix", &source_prefix,
           "addresses of this host to speak from, one for each client's /32 or /64, or 'none'; by "
           "default 127.64.0.0/10 for an IPv4 target")
      .ValueName("PREFIX");
}

void AddBounds(ConfigParser& parser, Settings& settings) {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  parser.Add("threads", &settings.threads, "threads that move datagrams").Range(1, 256);
  parser.Add("max-connections", &settings.max_connections, "connections at the same time")
      .Range(1, 1'000'000);
  parser
      .Add("max-connections-per-source", &settings.max_connections_per_source,
           "of them from one IPv4 address or one IPv6 /64")
      .Range(1, 1'000'000);
  parser.Add("max-header", &settings.max_header, "bytes of a request's head at most")
      .Range(512, 65536);
  parser
      .Add("send-buffer", &settings.send_buffer,
           "bytes that wait for one client that reads slowly; what comes then is dropped")
      .Range(16384, 64 << 20);
  parser.Add("handshake-timeout", &settings.handshake_timeout, "for TLS and the upgrade together")
      .Range(milliseconds(100), milliseconds(hours(1)));
  parser
      .Add("idle-timeout", &settings.idle_timeout,
           "a client that sends no message, ping or pong for so long is gone")
      .Range(milliseconds(100), milliseconds(hours(24)));
  parser
      .Add("drain-grace", &settings.drain_grace,
           "how long connections may go on after SIGTERM before they are closed")
      .Range(milliseconds(0), milliseconds(hours(1)));
  parser.Add("log-level", &settings.log.level, "what is told at least")
      .OneOf({"trace", "debug", "info", "warn", "error"});
  parser.Add("log-json", &settings.log.json, "JSON lines");
}

void CheckTransport(ConfigParser& parser, const Settings& settings) {
  const bool any_tls = !settings.tls_cert.empty() || !settings.tls_key.empty();
  if (settings.plain && any_tls) {
    parser.AddFault("plain", "goes without certificate and key: give the one or the others");
  } else if (!settings.plain && (settings.tls_cert.empty() || settings.tls_key.empty())) {
    parser.AddFault(settings.tls_cert.empty() ? "tls-cert" : "tls-key",
                    "is needed; --plain serves without TLS behind a proxy");
  }
  if (settings.path.empty() || settings.path.front() != '/') {
    parser.AddFault("path", "begins with '/'");
  }
  if (settings.target.port == 0) parser.AddFault("target", "needs a port");
}

void TakeSourcePrefix(ConfigParser& parser, const std::string& text, Settings& settings) {
  if (text == "none") return;
  const bool v4 = settings.target.address.is_v4();
  if (text.empty() && !v4) {
    parser.AddFault(
        "source-prefix",
        "is needed for an IPv6 target: a /56 or shorter that is routed to this host "
        "(ip -6 route add local PREFIX dev lo), or 'none' to make all clients one source");
    return;
  }
  const auto prefix = ParseExactPrefix(text.empty() ? kLoopbackPrefix : text);
  if (!prefix) return parser.AddFault("source-prefix", prefix.error().message);
  if (const Status fits = CheckSourcePrefix(*prefix); !fits) {
    return parser.AddFault("source-prefix", fits.error().message);
  }
  if (prefix->address().is_v4() != v4) {
    return parser.AddFault(
        "source-prefix", "must be of the same family as the target " + settings.target.ToString());
  }
  settings.source_prefix = *prefix;
}

}  // namespace

std::variant<Settings, int> ReadSettings(int argc, const char* const* argv, std::ostream& out,
                                         std::ostream& err) {
  Settings settings;
  settings.threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 16);
  settings.target = *ws::ParseEndpoint("127.0.0.1:51820");
  std::string source_prefix;
  ConfigParser parser("jitwg-ws-ingress",
                      "WireGuard over WebSockets: carries datagrams between clients and the "
                      "gateway's WireGuard port. Needs no privilege.");
  AddWays(parser, settings, source_prefix);
  AddBounds(parser, settings);
  metrics::AddMetricsOptions(parser, settings.metrics);
  parser.Examples(kExamples);
  parser.Parse(argc, argv);
  if (!parser.Ends()) {
    CheckTransport(parser, settings);
    TakeSourcePrefix(parser, source_prefix, settings);
    metrics::CheckMetricsOptions(parser, settings.metrics);
  }
  if (const auto exit_code = parser.Finish(out, err)) return *exit_code;
  return settings;
}

}  // namespace jitwg::ingress
