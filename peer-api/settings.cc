#include "peer-api/settings.h"

#include <chrono>
#include <cstdint>
#include <ostream>
#include <utility>

#include "lib/base/config.h"
#include "lib/registry/factory.h"
#include "peer-api/peer_fields.h"

namespace jitwg::api {
namespace {

constexpr const char* kExamples =
    "  # beside one gateway's registry; the token file has lines like 'admin TOKEN'\n"
    "  (umask 077; echo \"admin $(openssl rand -hex 24)\" > /etc/jitwg/peer-api.tokens)\n"
    "  jitwg-peer-api --wireguard-endpoint default=vpn.example.org:51820 \\\n"
    "      --wireguard-public-key default=\"$(wg show wg0 public-key)\"\n"
    "  # for other machines\n"
    "  jitwg-peer-api --listen 0.0.0.0:8443 --tls-certificate cert.pem --tls-key key.pem\n";

// As the options have them, before they are checked against each other.
struct Raw {
  std::vector<NamedText> endpoints;
  std::vector<NamedText> public_keys;
  std::vector<NamedText> allowed_ips;
  std::vector<NamedText> dns;
  std::vector<std::string> chaos;
  bool chaos_is_for_tests = false;
  bool allow_plain = false;
  std::int64_t rate_limit = 200;
  std::int64_t gateway_rate_limit = 10'000;
  std::int64_t threads = 16;
};

Result<Endpoint> ParseListen(std::string_view text) {
  const auto endpoint = ParseEndpointText(text);
  if (endpoint) return *endpoint;
  return Error{ErrorCode::kInvalidArgument,
               Quoted(text) + " is no address and port like 127.0.0.1:8080 or [::1]:8080"};
}

Status CheckRegistry(const std::string& text) {
  const auto address = registry::ParseRegistryAddress(text);
  if (!address) return address.error();
  if (address->kind == "http") {
    return Error{ErrorCode::kInvalidArgument,
                 "names a peer API, which this is itself; name its SQLite file or PostgreSQL"};
  }
  return {};
}

void AddServer(ConfigParser& parser, Settings& settings, Raw& raw) {
  parser.Add("registry", &settings.registry, "where the peers are")
      .ValueName("ADDRESS")
      .Check(CheckRegistry);
  parser.AddParsed("listen", &settings.server.listen, ParseListen, "where to serve; port 0: any")
      .ValueName("ADDRESS:PORT");
  parser.Add("tls-certificate", &settings.server.certificate, "PEM file with the chain")
      .ValueName("FILE");
  parser.Add("tls-key", &settings.server.key, "PEM file with its private key").ValueName("FILE");
  parser.Add("allow-plain", &raw.allow_plain,
             "serve other machines without TLS: tokens and preshared keys can be read on the way");
  parser
      .Add("token-file", &settings.token_file,
           "lines 'admin TOKEN' or 'gateway TOKEN'; readable by its owner alone")
      .ValueName("FILE");
}

void AddBounds(ConfigParser& parser, Settings& settings, Raw& raw) {
  parser
      .Add("rate-limit", &raw.rate_limit,
           "calls a second of each admin token, and of each IPv4 address or IPv6 /64 without a "
           "token; 0: no limit")
      .Range(0, 1'000'000);
  parser
      .Add("gateway-rate-limit", &raw.gateway_rate_limit,
           "calls a second of each gateway token; 0: no limit")
      .Range(0, 1'000'000);
  parser.Add("max-body", &settings.server.limits.max_body, "bytes of a request's body at most")
      .Range(1024, 64 << 20);
  parser.Add("threads", &raw.threads, "calls that are served at the same time").Range(1, 1024);
  parser
      .Add("max-pollers", &settings.service.max_pollers,
           "gateways that wait for changes at the same time, beside those")
      .Range(1, 4096);
  parser.Add("max-queued", &settings.server.max_queued, "connections that wait for a thread")
      .Range(1, 65536);
  parser
      .Add("header-timeout", &settings.server.limits.header_timeout,
           "for all of a request's header")
      .Range(std::chrono::milliseconds(100), std::chrono::minutes(1));
  parser.Add("body-timeout", &settings.server.limits.body_timeout, "for all of a request's body")
      .Range(std::chrono::milliseconds(100), std::chrono::minutes(5));
  parser.Add("lookup-timeout", &settings.service.lookup_timeout, "for one look-up of a gateway")
      .Range(std::chrono::milliseconds(10), std::chrono::minutes(1));
}

void AddClients(ConfigParser& parser, Raw& raw) {
  parser
      .AddParsed("wireguard-endpoint", &raw.endpoints, ParseNamedText,
                 "where clients of a network connect to, or those bound to a gateway "
                 "(NAME is then gateway/GATEWAY)")
      .ValueName("NAME=HOST:PORT");
  parser
      .AddParsed("wireguard-public-key", &raw.public_keys, ParseNamedText,
                 "the public key of the interface there")
      .ValueName("NAME=KEY");
  parser
      .AddParsed("client-allowed-ips", &raw.allowed_ips, ParseNamedText,
                 "what such clients send into the tunnel; everything by default")
      .ValueName("NAME=PREFIX");
  parser.AddParsed("client-dns", &raw.dns, ParseNamedText, "a DNS server for such clients")
      .ValueName("NAME=ADDRESS");
}

void AddRest(ConfigParser& parser, Settings& settings, Raw& raw) {
  parser.Add("chaos", &raw.chaos,
             "faults on purpose: delay=200ms,fail=0.1,hang=0.01,garbage=0.05,seed=1; the shares "
             "are of all calls");
  parser.Add("chaos-is-for-tests", &raw.chaos_is_for_tests,
             "admits that --chaos makes this service unfit for use");
  parser.Add("log-level", &settings.log.level, "what is told at least")
      .OneOf({"trace", "debug", "info", "warn", "error"});
  parser.Add("log-json", &settings.log.json, "JSON lines");
}

// Adds each named text to its side by `set`, which returns what is wrong.
template <class Set>
void Fill(ConfigParser& parser, const std::string& option, const std::vector<NamedText>& texts,
          ServerSides& sides, Set set) {
  for (const NamedText& named : texts) {
    const Status status = set(sides[named.name], named.text);
    if (!status) parser.AddFault(option, named.name + ": " + status.error().message);
  }
}

void FillSides(ConfigParser& parser, const Raw& raw, ServerSides& sides) {
  Fill(parser, "wireguard-endpoint", raw.endpoints, sides,
       [](ServerSide& side, const std::string& text) {
         side.endpoint = text;
         return CheckEndpoint(text);
       });
  Fill(parser, "wireguard-public-key", raw.public_keys, sides,
       [](ServerSide& side, const std::string& text) -> Status {
         const auto key = ParsePublicKey(text);
         if (!key) return key.error();
         side.public_key = *key;
         return {};
       });
  Fill(parser, "client-allowed-ips", raw.allowed_ips, sides,
       [](ServerSide& side, const std::string& text) -> Status {
         const auto prefix = ParseExactPrefix(text);
         if (!prefix) return prefix.error();
         side.allowed_ips.push_back(*prefix);
         return {};
       });
  Fill(parser, "client-dns", raw.dns, sides,
       [](ServerSide& side, const std::string& text) -> Status {
         const auto address = IpAddress::Parse(text);
         if (!address) return address.error();
         side.dns.push_back(*address);
         return {};
       });
  for (const auto& [name, side] : sides) {
    if (side.endpoint.empty()) {
      parser.AddFault("wireguard-endpoint", "is needed for " + name + " too");
    }
    if (!side.public_key) {
      parser.AddFault("wireguard-public-key", "is needed for " + name + " too");
    }
  }
}

bool IsLoopback(const IpAddress& address) {
  static const IpPrefix v4 = *IpPrefix::Parse("127.0.0.0/8");
  static const IpPrefix v6 = *IpPrefix::Parse("::1/128");
  return v4.Contains(address) || v6.Contains(address);
}

void CheckTransport(ConfigParser& parser, const Settings& settings, const Raw& raw) {
  const http::ServerOptions& server = settings.server;
  if (server.certificate.empty() != server.key.empty()) {
    parser.AddFault(server.key.empty() ? "tls-key" : "tls-certificate",
                    "is needed too: certificate and key go together");
  }
  if (server.certificate.empty() && !raw.allow_plain && !IsLoopback(server.listen.address)) {
    parser.AddFault("listen",
                    "is not a loopback address: give --tls-certificate and --tls-key, "
                    "or --allow-plain if something else protects the way");
  }
}

void TakeChaos(ConfigParser& parser, const Raw& raw, ServiceOptions& service) {
  if (raw.chaos.empty()) return;
  const auto plan = ParseChaos(raw.chaos);
  if (!plan) {
    parser.AddFault("chaos", plan.error().message);
  } else if (!raw.chaos_is_for_tests) {
    parser.AddFault("chaos", "is for tests only; say so with --chaos-is-for-tests");
  } else {
    service.chaos = *plan;
  }
}

RateLimit LimitOf(std::int64_t per_second) {
  const auto rate = static_cast<double>(per_second);
  return {rate, 2 * rate};
}

}  // namespace

std::variant<Settings, int> ReadSettings(int argc, const char* const* argv, std::ostream& out,
                                         std::ostream& err) {
  Settings settings;
  settings.server.listen = *ParseListen("127.0.0.1:8080");
  Raw raw;
  ConfigParser parser("jitwg-peer-api",
                      "Creates, lists and revokes peers over HTTP, hands out client "
                      "configurations, and answers gateways' look-ups.");
  AddServer(parser, settings, raw);
  AddClients(parser, raw);
  AddBounds(parser, settings, raw);
  AddRest(parser, settings, raw);
  metrics::AddMetricsOptions(parser, settings.metrics);
  parser.Examples(kExamples);
  parser.Parse(argc, argv);
  FillSides(parser, raw, settings.service.server_sides);
  CheckTransport(parser, settings, raw);
  TakeChaos(parser, raw, settings.service);
  metrics::CheckMetricsOptions(parser, settings.metrics);
  if (const auto exit_code = parser.Finish(out, err)) return *exit_code;
  settings.service.admin_limit = LimitOf(raw.rate_limit);
  settings.service.gateway_limit = LimitOf(raw.gateway_rate_limit);
  settings.server.threads = static_cast<std::size_t>(raw.threads) + settings.service.max_pollers;
  return settings;
}

}  // namespace jitwg::api
